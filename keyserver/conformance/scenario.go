package conformance

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// ReadScenarios reads a file of scenarios, each of which is a [Case]:
//
//	== A key is activated once           the scenario's name
//	: BatchErrorContinuationOption Undo  a field of the next request's header; Version 2.1 is for a version other than 1.4
//	> Activate                           an operation; several in a row are one message
//	  UniqueIdentifier $key              its payload: a field with its value, or with the indented lines below
//	<                                    the answers in the same order: success,
//	  UniqueIdentifier $key              with the fields that are expected,
//	< PermissionDenied                   a failure with its Result Reason,
//	< OperationUndone                    or another Result Status
//
// A value's form gives its type: "text", 0x bytes (0x$name for a name that stands for
// some), 12, 12L (Long Integer), 12s (Interval), true, [Encrypt Decrypt] (a mask),
// 2026-01-31T12:00:00Z or $NOW+20, $name (text), and else the word of an
// Enumeration, or "enum 0x80000001".
// "@Cryptographic Length = 256" is an Attribute of KMIP 1.x. "#" begins a line that is for people.
func ReadScenarios(file string) ([]Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r scenarioReader
	for i, line := range strings.Split(string(text), "\n") {
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
	}
	if err := r.endStep(); err != nil {
		return nil, fmt.Errorf("%s: at the end: %w", file, err)
	}
	return r.cases, nil
}

// level is a structure that lines further to the right belong to.
type level struct {
	indent int
	node   *Node
}

// scenarioReader reads lines.
type scenarioReader struct {
	cases            []Case
	version          string
	header           []*Node
	requests, answer []*Node // the batch items of the present step
	open             []level
}

func (r *scenarioReader) line(line string) error {
	text := strings.TrimSpace(line)
	if text == "" || strings.HasPrefix(text, "#") {
		return nil
	}
	mark, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	if mark != "" && mark != "==" && len(r.cases) == 0 {
		return errors.New("a scenario begins with == and its name")
	}
	switch mark {
	case "": // indented
		return r.field(len(line)-len(strings.TrimLeft(line, " ")), text)
	case "==":
		if err := r.endStep(); err != nil {
			return err
		}
		r.cases = append(r.cases, Case{Name: rest})
		return nil
	case ":":
		if err := r.beginStep(); err != nil {
			return err
		}
		if v, ok := strings.CutPrefix(rest, "Version "); ok {
			r.version = v
			return nil
		}
		n, err := fieldOf(rest)
		r.header = append(r.header, n)
		return err
	case ">":
		if err := r.beginStep(); err != nil {
			return err
		}
		payload := &Node{Tag: "RequestPayload"}
		r.open = []level{{0, payload}}
		r.requests = append(r.requests, structure("BatchItem", word("Operation", rest), payload))
		return nil
	case "<":
		return r.result(rest)
	}
	return fmt.Errorf("a line begins with ==, :, >, < or blanks, not with %q", mark)
}

// field takes a line of a payload.
func (r *scenarioReader) field(indent int, text string) error {
	for len(r.open) > 0 && r.open[len(r.open)-1].indent >= indent {
		r.open = r.open[:len(r.open)-1]
	}
	if len(r.open) == 0 {
		return errors.New("a field belongs to an operation or to an answer")
	}
	n, err := fieldOf(text)
	if err != nil {
		return err
	}
	parent := r.open[len(r.open)-1].node
	parent.Children = append(parent.Children, n)
	if n.Tag == "Attribute" && len(n.Children) == 2 {
		n = n.Children[1] // what is indented below belongs to the value
	}
	if n.Type == "" {
		r.open = append(r.open, level{indent, n})
	}
	return nil
}

// result begins an answer.
func (r *scenarioReader) result(text string) error {
	if len(r.answer) == len(r.requests) {
		return errors.New("an answer without a request")
	}
	op := r.requests[len(r.answer)].Children[0]
	item := structure("BatchItem", op)
	switch text {
	case "":
		payload := &Node{Tag: "ResponsePayload"}
		r.open = []level{{0, payload}}
		item.Children = append(item.Children, word("ResultStatus", "Success"), payload)
	case "OperationUndone", "OperationPending":
		r.open = nil
		item.Children = append(item.Children, word("ResultStatus", text))
	default:
		r.open = nil
		item.Children = append(item.Children, word("ResultStatus", "OperationFailed"), word("ResultReason", text))
	}
	r.answer = append(r.answer, item)
	return nil
}

// beginStep ends the step before if it has its answers.
func (r *scenarioReader) beginStep() error {
	if len(r.answer) > 0 {
		return r.endStep()
	}
	return nil
}

// endStep makes the messages of a step. Of a batch that stops early there are fewer answers.
func (r *scenarioReader) endStep() error {
	if len(r.requests) == 0 && len(r.header) == 0 && r.version == "" {
		return nil
	}
	if len(r.requests) == 0 || len(r.answer) == 0 {
		return errors.New("a request without an answer")
	}
	if r.version == "" {
		r.version = "1.4"
	}
	major, minor, _ := strings.Cut(r.version, ".")
	header := structure("RequestHeader", structure("ProtocolVersion", number("ProtocolVersionMajor", major), number("ProtocolVersionMinor", minor)))
	header.Children = append(append(header.Children, r.header...), number("BatchCount", strconv.Itoa(len(r.requests))))
	for i, item := range r.requests {
		if len(r.requests) > 1 {
			id := &Node{Tag: "UniqueBatchItemID", Type: "ByteString", Value: fmt.Sprintf("%02x", i+1)}
			item.Children = []*Node{item.Children[0], id, item.Children[1]}
		}
	}
	c := &r.cases[len(r.cases)-1]
	c.Steps = append(c.Steps, Step{
		Request:  structure("RequestMessage", append([]*Node{header}, r.requests...)...),
		Response: structure("ResponseMessage", r.answer...),
	})
	*r = scenarioReader{cases: r.cases}
	return nil
}

func structure(tag string, fields ...*Node) *Node { return &Node{Tag: tag, Children: fields} }
func word(tag, value string) *Node                { return &Node{Tag: tag, Type: "Enumeration", Value: value} }
func number(tag, value string) *Node              { return &Node{Tag: tag, Type: "Integer", Value: value} }

// forms are the forms of values, by type; the first that fits counts.
var forms = []struct {
	typ  string
	form *regexp.Regexp // the group is the value
}{
	{"ByteString", regexp.MustCompile(`^0x((?:[0-9a-f]{2})*|\$\w+)$`)},
	{"DateTime", regexp.MustCompile(`^(\$NOW(?:[+-]\d+)?|\d{4}-\d\d-\d\dT\S+)$`)},
	{"TextString", regexp.MustCompile(`^(\$\w+)$`)},
	{"Integer", regexp.MustCompile(`^(-?\d+)$`)},
	{"LongInteger", regexp.MustCompile(`^(-?\d+)L$`)},
	{"Interval", regexp.MustCompile(`^(\d+)s$`)},
	{"Boolean", regexp.MustCompile(`^(true|false)$`)},
	{"Integer", regexp.MustCompile(`^\[([\w ]+)\]$`)},
	{"Enumeration", regexp.MustCompile(`^(?:enum )?([A-Za-z]\w*|0x[0-9A-F]{8})$`)},
}

// fieldOf reads one field.
func fieldOf(text string) (*Node, error) {
	if name, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(text, "@") {
		v, err := valueOf("AttributeValue", strings.TrimSpace(value))
		return structure("Attribute", &Node{Tag: "AttributeName", Type: "TextString", Value: strings.TrimSpace(name[1:])}, v), err
	}
	tag, value, _ := strings.Cut(text, " ")
	return valueOf(tag, strings.TrimSpace(value))
}

func valueOf(tag, text string) (*Node, error) {
	if text == "" {
		return structure(tag), nil
	}
	if strings.HasPrefix(text, `"`) {
		value, err := strconv.Unquote(text)
		return &Node{Tag: tag, Type: "TextString", Value: value}, err
	}
	for _, f := range forms {
		if m := f.form.FindStringSubmatch(text); m != nil {
			return &Node{Tag: tag, Type: f.typ, Value: m[1]}, nil
		}
	}
	return nil, fmt.Errorf("%s has a value of no known form: %s", tag, text)
}
