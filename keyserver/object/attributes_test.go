package object_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func text(name, v string) kmip.Attribute { return kmip.TextAttribute(name, v) }

func asi(namespace, data string) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrAppSpecificInformation, Value: kmip.ApplicationSpecificInformation{Namespace: namespace, Data: data}.TTLV()}
}

func TestNew_RefusesAttributes(t *testing.T) {
	date := kmip.DateAttribute
	many := make(kmip.Attributes, 1001)
	for _, c := range []struct {
		name   string
		attrs  kmip.Attributes
		reason kmip.ResultReason
	}{
		{"unknown", kmip.Attributes{text("Shoe Size", "43")}, invalid},
		{"a server's custom attribute", kmip.Attributes{text("y-a", "1")}, invalid},
		{"server only", kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrState, active)}, invalid},
		{"wrong type", kmip.Attributes{text(kmip.AttrCryptographicLength, "256")}, invalid},
		{"no value", kmip.Attributes{{Name: "x-a"}}, invalid},
		{"twice", kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}, invalid},
		{"date twice", kmip.Attributes{date(kmip.AttrActivationDate, past), date(kmip.AttrActivationDate, now)}, invalid},
		{"same name twice", kmip.Attributes{kmip.NameAttribute("n"), kmip.NameAttribute("n")}, invalid},
		{"empty name", kmip.Attributes{kmip.NameAttribute("")}, invalid},
		{"name without type", kmip.Attributes{{Name: kmip.AttrName, Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagNameValue, Value: ttlv.TextValue("n")})}}, invalid},
		{"unknown name type", kmip.Attributes{{Name: kmip.AttrName, Value: kmip.Name{Value: "n", Type: 7}.TTLV()}}, invalid},
		{"link without type", kmip.Attributes{{Name: kmip.AttrLink, Value: ttlv.StructureValue()}}, invalid},
		{"namespace without data", kmip.Attributes{{Name: kmip.AttrAppSpecificInformation,
			Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagApplicationNamespace, Value: ttlv.TextValue("n")})}}, kmip.ReasonApplicationNamespaceNotSupported},
		{"activation after process start", kmip.Attributes{date(kmip.AttrActivationDate, future), date(kmip.AttrProcessStartDate, now)}, invalid},
		{"protect stop after deactivation", kmip.Attributes{date(kmip.AttrProtectStopDate, future), date(kmip.AttrDeactivationDate, now)}, invalid},
		{"activation after deactivation", kmip.Attributes{date(kmip.AttrActivationDate, future), date(kmip.AttrDeactivationDate, now)}, invalid},
		{"too many", many, kmip.ReasonIndexOutOfBounds},
		{"a name without end", kmip.Attributes{text("x-"+strings.Repeat("a", 2000), "")}, invalid},
	} {
		if _, err := object.New(kmip.ObjectTypeSymmetricKey, c.attrs, now); kmip.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAttributes_Indices(t *testing.T) {
	// Clients give indices of their own kind; the instances are numbered as they come.
	o := newObject(t, kmip.NameAttribute("a"), kmip.Attribute{Name: kmip.AttrName, Index: 5, Value: kmip.Name{Value: "b"}.TTLV()})
	c, err := o.Add(kmip.NameAttribute("c"), now)
	if err != nil || c.Index != 2 || !slices.Equal(o.Names(), []string{"a", "b", "c"}) {
		t.Fatalf("%v, %d, %v", err, c.Index, o.Names())
	}
	if gone, err := o.Delete(kmip.AttrName, 1, now); err != nil || !gone.Value.Equal(kmip.Name{Value: "b"}.TTLV()) {
		t.Errorf("%v, %v", gone, err)
	}
	if m, err := o.Modify(kmip.Attribute{Name: kmip.AttrName, Index: 2, Value: kmip.Name{Value: "d"}.TTLV()}, now); err != nil || m.Index != 2 || !slices.Equal(o.Names(), []string{"a", "d"}) {
		t.Errorf("%v, %v, %v", m, err, o.Names())
	}
}

func TestAttributes_Refusals(t *testing.T) {
	add := func(a kmip.Attribute) func(*object.Object) error {
		return func(o *object.Object) error { _, err := o.Add(a, now); return err }
	}
	modify := func(a kmip.Attribute) func(*object.Object) error {
		return func(o *object.Object) error { _, err := o.Modify(a, now); return err }
	}
	del := func(name string, index int32) func(*object.Object) error {
		return func(o *object.Object) error { _, err := o.Delete(name, index, now); return err }
	}
	second := kmip.NameAttribute("second")
	second.Index = 1
	for _, c := range []struct {
		name   string
		do     func(*object.Object) error
		reason kmip.ResultReason
	}{
		{"add with an index", add(second), invalid},
		{"add what is there", add(kmip.NameAttribute("first")), illegal},
		{"add a second of a single one", add(text(kmip.AttrContactInformation, "b")), illegal},
		{"add a second date", add(kmip.DateAttribute(kmip.AttrDeactivationDate, future)), illegal},
		{"add what the server owns", add(kmip.DateAttribute(kmip.AttrInitialDate, past)), denied},
		{"add what is set at the beginning only", add(kmip.IntegerAttribute(kmip.AttrCryptographicLength, 1)), denied},
		{"add an unknown one", add(text("Shoe Size", "43")), invalid},
		{"add a wrong type", add(kmip.IntegerAttribute(kmip.AttrContactInformation, 1)), invalid},
		{"add a date out of order", add(kmip.DateAttribute(kmip.AttrProtectStopDate, future.AddDate(1, 0, 0))), invalid},
		{"modify what is not there", modify(text(kmip.AttrDescription, "d")), invalid},
		{"modify an index that is not there", modify(second), absent},
		{"modify a date's index", modify(kmip.Attribute{Name: kmip.AttrDeactivationDate, Index: 1, Value: ttlv.DateTimeValue(future)}), absent},
		{"modify the usage mask", modify(kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 1)), denied},
		{"delete a date", del(kmip.AttrDeactivationDate, 0), denied},
		{"delete what the server owns", del(kmip.AttrUniqueIdentifier, 0), denied},
		{"delete what is not there", del(kmip.AttrDescription, 0), absent},
		{"delete an index that is not there", del(kmip.AttrName, 3), absent},
	} {
		o := newObject(t, kmip.NameAttribute("first"), text(kmip.AttrContactInformation, "a"), kmip.DateAttribute(kmip.AttrDeactivationDate, future))
		before := o.Clone()
		if err := c.do(o); kmip.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, want %s", c.name, err, c.reason)
		}
		if diff := cmp.Diff(before, o); diff != "" {
			t.Errorf("%s changed the object: %s", c.name, diff)
		}
	}
}

func TestMatches(t *testing.T) {
	o := newObject(t, kmip.NameAttribute("n"), asi("ns", "data"), kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 12), text("x-a", "1"), text("x-a", "2"))
	for _, c := range []struct {
		a    kmip.Attribute
		want bool
	}{
		{kmip.NameAttribute("n"), true}, {kmip.NameAttribute("N"), false}, {kmip.NameAttribute("n "), false},
		{kmip.Attribute{Name: kmip.AttrName, Value: kmip.Name{Value: "n", Type: kmip.NameURI}.TTLV()}, false},
		{asi("ns", "data"), true}, {asi("ns", "other"), false},
		{kmip.Attribute{Name: kmip.AttrAppSpecificInformation, Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagApplicationNamespace, Value: ttlv.TextValue("ns")})}, true},
		{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 4), true}, {kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 5), false},
		{text("x-a", "2"), true}, {text("x-a", "3"), false}, {text("x-b", "1"), false},
		{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey), true}, {kmip.EnumerationAttribute(kmip.AttrState, active), false},
		{text(kmip.AttrUniqueIdentifier, "id"), true},
	} {
		f, err := object.NewFilter(c.a)
		if err != nil {
			t.Errorf("%s: %v", c.a.Name, err)
		}
		if got := o.Matches(f, now); got != c.want {
			t.Errorf("%s %+v: %v", c.a.Name, c.a.Value, got)
		}
	}
}

func full(t *testing.T) *object.Object {
	o := newObject(t, kmip.NameAttribute("n"), asi("ns", "data"), text("x-a", "1"), kmip.Attribute{Name: "x-s", Value: ttlv.StructureValue(
		ttlv.Field{Tag: 0x540001, Value: ttlv.BytesValue([]byte{1, 2})}, ttlv.Field{Tag: 0x540002, Value: ttlv.LongIntegerValue(-1)})},
		kmip.DateAttribute(kmip.AttrOriginalCreationDate, past), kmip.DateAttribute(kmip.AttrProtectStopDate, future))
	o.Digest = bytes.Repeat([]byte{7}, 32)
	o.Content = object.Content{Format: kmip.KeyFormatOpaque, Algorithm: kmip.AlgorithmAES, Length: 256, SecretDataType: 1, OpaqueDataType: 2, Attributes: kmip.Attributes{text("x-in", "")}}
	do(t, o.Activate(now))
	do(t, revoke(o, kmip.RevocationKeyCompromise))
	do(t, o.Destroy(now))
	return o
}

func TestRecord_KeepsEverything(t *testing.T) {
	for _, o := range []*object.Object{full(t), newObject(t)} {
		got, err := object.Unmarshal(o.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, got); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(full(t).All(now)); n < 17 {
		t.Errorf("%d attributes", n)
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add((&object.Object{ID: "i", Type: 2, State: 1}).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := object.Unmarshal(b)
		if err != nil {
			if !errors.Is(err, object.ErrRecord) {
				t.Error(err)
			}
			return
		}
		if again, err := object.Unmarshal(o.Marshal()); err != nil || !cmp.Equal(o, again) {
			t.Errorf("what was read cannot be kept: %v", err)
		}
		var brief object.Brief
		if err := brief.Unmarshal(o.ID, o.Marshal(), all); err != nil || !cmp.Equal(brief, o.Brief(), cmpopts.EquateEmpty()) {
			t.Errorf("its brief is %+v, %v", brief, err)
		}
	})
}

func all(string) bool { return true }

// TestBrief: what is read briefly, many with one's memory, is what the whole has.
func TestBrief(t *testing.T) {
	other := newObject(t, kmip.NameAttribute("m"))
	other.ID, other.Owner = "another", "owner"
	var brief object.Brief
	for _, o := range []*object.Object{full(t), other, newObject(t), full(t)} {
		for _, wanted := range []string{kmip.AttrName, "x-a", "none"} {
			want := o.Brief()
			want.Attributes = slices.DeleteFunc(slices.Clone(want.Attributes), func(a kmip.Attribute) bool { return a.Name != wanted })
			err := brief.Unmarshal(o.ID, o.Marshal(), func(name string) bool { return name == wanted })
			if diff := cmp.Diff(want, brief, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		}
	}
	good := other.Marshal()
	if err := brief.Unmarshal("not its own", good, all); !errors.Is(err, object.ErrRecord) {
		t.Errorf("the record of another object: %v", err)
	}
	newer := bytes.Replace(good, []byte{0x54, 0x01, 0x01, 2, 0, 0, 0, 4, 0, 0, 0, 1}, []byte{0x54, 0x01, 0x01, 2, 0, 0, 0, 4, 0, 0, 0, 2}, 1)
	unknown := bytes.Replace(good, []byte{0x54, 0x01, 0x07}, []byte{0x54, 0x01, 0x77}, 1)
	for name, b := range map[string][]byte{"empty": nil, "cut": good[:len(good)-8], "newer": newer, "unknown field": unknown, "no type": (&object.Object{ID: other.ID, State: 1}).Marshal()} {
		if err := brief.Unmarshal(other.ID, b, all); bytes.Equal(b, good) || !errors.Is(err, object.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
