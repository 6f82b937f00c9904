package kmip

import (
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Attribute is one instance of an attribute (KMIP 1.4, 2.1.1). Its name is the
// specification's, spaces included, or "x-..." for one of the client's own.
//
// The 1.x versions send the name as text; 2.x sends a tag in its place, and has no
// index. Only this file, attribute2.go and attributetype.go know the difference.
type Attribute struct {
	Name  string
	Index int32 // 0 for the first instance
	Value ttlv.Value
}

func (a Attribute) encode(w *ttlv.Writer, v Version) {
	if !sendable(a.Name, v) {
		return
	}
	if v.Major >= 2 {
		a.encodeField(w)
		return
	}
	m := w.Begin(TagAttribute)
	w.TextString(TagAttributeName, a.Name)
	if a.Index != 0 {
		w.Integer(TagAttributeIndex, a.Index)
	}
	w.Value(TagAttributeValue, sendableValue(a.Name, a.Value, v))
	w.End(m)
}

func decodeAttribute(r *ttlv.Reader) (a Attribute) {
	var hasName bool
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagAttributeName:
			a.Name, hasName = s.TextString(), true
		case TagAttributeIndex:
			a.Index = s.Integer()
		case TagAttributeValue:
			a.Value = s.Value()
		default:
			s.Unexpected()
		}
	}
	if !hasName {
		r.Fail(fmt.Errorf("%w: an Attribute has no Attribute Name", ttlv.ErrField))
	}
	if isVendorsOwn(a.Name) || newIn2(a.Name) {
		r.Fail(fmt.Errorf("%w: there is no attribute %.64q before KMIP 2.0", ttlv.ErrField, a.Name))
	}
	return a
}

// Attributes is a list of attributes. Lookups are linear: an object has a dozen.
type Attributes []Attribute

func (l Attributes) encode(w *ttlv.Writer, v Version) {
	for _, a := range l {
		a.encode(w, v)
	}
}

// Get returns the first instance of the attribute.
func (l Attributes) Get(name string) (ttlv.Value, bool) {
	for _, a := range l {
		if a.Name == name {
			return a.Value, true
		}
	}
	return ttlv.Value{}, false
}

// All returns every instance of the attribute.
func (l Attributes) All(name string) []ttlv.Value {
	var all []ttlv.Value
	for _, a := range l {
		if a.Name == name {
			all = append(all, a.Value)
		}
	}
	return all
}

// Add appends an attribute with the next free index of its name.
func (l *Attributes) Add(name string, v ttlv.Value) {
	next := int32(0)
	for _, a := range *l {
		if a.Name == name && a.Index >= next {
			next = a.Index + 1
		}
	}
	*l = append(*l, Attribute{Name: name, Index: next, Value: v})
}

// Names returns the text of every Name.
func (l Attributes) Names() []string {
	var names []string
	for _, a := range l {
		if a.Name != AttrName {
			continue
		}
		if n, err := ParseName(a.Value); err == nil {
			names = append(names, n.Value)
		}
	}
	return names
}

// State returns the State attribute, 0 where there is none.
func (l Attributes) State() State {
	v, _ := l.Get(AttrState)
	return State(v.Int)
}

// Template is the Template-Attribute of a request that makes an object (KMIP 1.4,
// 2.1.8): the attributes that the object gets, and names of Template objects,
// which 1.3 deprecated and 2.0 does not have. In 2.x it is a structure Attributes.
type Template struct {
	Names      []Name
	Attributes Attributes
}

func (t Template) encode(w *ttlv.Writer, v Version) { t.encodeAs(w, TagTemplateAttribute, v) }

// encodeAs appends the template under the tag that it has in a message of 1.x.
func (t Template) encodeAs(w *ttlv.Writer, tag ttlv.Tag, v Version) {
	if v.Major >= 2 {
		t.Attributes.encodeIn(w, asOf2(tag), v)
		return
	}
	m := w.Begin(tag)
	for _, n := range t.Names {
		w.Value(TagName, n.TTLV())
	}
	t.Attributes.encode(w, v)
	w.End(m)
}

// encodeUnlessEmpty is encodeAs where a template that says nothing is left out.
func (t Template) encodeUnlessEmpty(w *ttlv.Writer, tag ttlv.Tag, v Version) {
	if len(t.Names)+len(t.Attributes) > 0 {
		t.encodeAs(w, tag, v)
	}
}

// decodeTemplate reads the current field, a Template-Attribute or what 2.x has in its place.
func decodeTemplate(r *ttlv.Reader) (t Template) {
	if !inPlace(r) {
		return t
	}
	if r.Edition() >= 2 {
		return Template{Attributes: decodeAttributes(r, true)}
	}
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagName:
			n, err := ParseName(s.Value())
			if err != nil {
				s.Fail(err)
			}
			t.Names = append(t.Names, n)
		case TagAttribute:
			t.Attributes = append(t.Attributes, decodeAttribute(s))
		default:
			s.Unexpected()
		}
	}
	return t
}

// encodeTemplate leaves out the Template-Attribute of a response that has none. In 2.x no
// response has one.
func encodeTemplate(w *ttlv.Writer, v Version, t *Template) {
	encodeTemplateAs(w, TagTemplateAttribute, v, t)
}

func encodeTemplateAs(w *ttlv.Writer, tag ttlv.Tag, v Version, t *Template) {
	if t != nil && v.Major < 2 {
		t.encodeAs(w, tag, v)
	}
}

// decodeNewObject reads a response that names a new object, and may hold what the server set.
func decodeNewObject(r *ttlv.Reader) (id string, set *Template) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagUniqueIdentifier:
			id = readUID(r)
		case TagTemplateAttribute:
			t := decodeTemplate(r)
			set = &t
		}
	}
	return id, set
}

// IsCustom says whether an attribute is a client's own (x-), a server's (y-) (KMIP 1.4,
// 3.39), or that of another vendor, which only 2.x can have ("vendor/name").
func IsCustom(name string) bool {
	return strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "y-") || isVendorsOwn(name)
}
