package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Difference is a place where an answer is not as expected.
type Difference struct {
	Level Level
	Step  int // counted from 1
	Text  string
}

func (d Difference) String() string { return fmt.Sprintf("step %d, %s: %s", d.Step, d.Level, d.Text) }

// comparison compares the answer of one step.
type comparison struct {
	names *names
	given string // the requests so far: what a client gave is a fact in an answer
	step  int
	found []Difference
}

func (c *comparison) differ(l Level, format string, args ...any) {
	c.found = append(c.found, Difference{l, c.step, fmt.Sprintf(format, args...)})
}

// message compares answers.
func (c *comparison) message(expected, actual *Node) {
	want, got := expected.all("BatchItem"), actual.all("BatchItem")
	if len(want) != len(got) {
		c.differ(Status, "%d batch items instead of %d", len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		c.item(want[i], got[i])
	}
}

func (c *comparison) item(want, got *Node) {
	op := want.text("Operation")
	if w, g := want.text("ResultStatus"), got.text("ResultStatus"); !same(w, g) {
		c.differ(Status, "%s: %s instead of %s (%s: %s)", op, g, w, got.text("ResultReason"), got.text("ResultMessage"))
		return
	}
	if w, g := want.text("ResultReason"), got.text("ResultReason"); !same(w, g) {
		c.differ(Reason, "%s: %s instead of %s (%s)", op, g, w, got.text("ResultMessage"))
	}
	if p := want.Child("ResponsePayload"); p != nil {
		c.structure(op, p, got.Child("ResponsePayload"))
	}
}

// same compares names as KMIP's texts are compared.
func same(a, b string) bool {
	clean := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	return clean(a) == clean(b)
}

// structure looks for each expected field.
func (c *comparison) structure(path string, want, got *Node) {
	used := make(map[*Node]bool)
	for _, w := range want.Children {
		here := path + "/" + w.Tag
		if name := w.text("AttributeName"); name != "" {
			here += "(" + name + ")"
		}
		if w.Tag == "AttributeIndex" && w.Value == "0" {
			continue // may be left out
		}
		g := counterpart(w, got, used)
		if g == nil {
			c.differ(Fields, "%s is missing", here)
			continue
		}
		used[g] = true
		if w.text("AttributeName") == "Random Number Generator" {
			continue // each server has its own
		}
		if w.Type == "" {
			c.structure(here, w, g)
		} else if !c.sample(path, w, want) && !c.equal(w, g) {
			c.differ(Values, "%s is %.100q instead of %.100q", here, g.Value, w.Value)
		}
	}
}

// counterpart returns the field that an expected one is compared with: of several with
// the tag, and the attribute name, the one with the value, else the first that was not
// taken, else the last.
func counterpart(w, in *Node, used map[*Node]bool) (best *Node) {
	if in == nil {
		return nil
	}
	for _, g := range in.Children {
		if g.Tag != w.Tag || (g.Type == "") != (w.Type == "") || w.text("AttributeName") != g.text("AttributeName") {
			continue
		}
		switch {
		case !used[g] && w.Type != "" && g.Value == w.Value:
			return g
		case best == nil || used[best] && !used[g]:
			best = g
		}
	}
	return best
}

// samples are fields whose values no two servers have in common.
var samples = []string{"DigestValue", "TimeStamp", "LeaseTime", "VendorIdentification", "ServerInformation", "AsynchronousCorrelationValue"}

// sample says whether the expected value of a field is one of many.
func (c *comparison) sample(path string, w, in *Node) bool {
	switch {
	case w.Tag == "IVCounterNonce": // the server's own: a client's is not sent back
		return true
	case w.Tag == "Data" && w.Type == "ByteString" && !strings.HasPrefix(w.Value, "$") && (in.Child("IVCounterNonce") != nil || strings.HasPrefix(path, "RNGRetrieve")):
		return true // under such an IV, or random
	case slices.Contains(samples, w.Tag):
		return true
	case w.Type == "ByteString" && (w.Tag == "KeyMaterial" || w.Tag == "Key" || w.Tag == "CertificateValue" || w.Tag == "OpaqueDataValue" || w.Tag == "RandomData"):
		return !strings.Contains(c.given, w.Value)
	case w.Type == "BigInteger":
		return !strings.Contains(c.given, w.Value)
	case w.Tag == "Operation" || w.Tag == "ObjectType": // of a Query
		return w.Type == "Enumeration"
	}
	return false
}

// equal compares values, however they are written.
func (c *comparison) equal(w, g *Node) bool {
	if w.Type != g.Type {
		return false
	}
	switch w.Type {
	case "Enumeration":
		return same(w.Value, g.Value) || strings.HasPrefix(w.Value, "$") && c.names.is(w.Value, g.Value)
	case "Integer":
		a, b := strings.Fields(w.Value), strings.Fields(g.Value)
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	case "ByteString":
		return c.names.is(strings.ToLower(w.Value), strings.ToLower(g.Value)) || c.names.is(w.Value, g.Value)
	}
	return c.names.is(w.Value, g.Value)
}
