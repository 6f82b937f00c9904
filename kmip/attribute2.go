package kmip

import (
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// KMIP 2.x sends an attribute as a field with the attribute's own tag, several of them in a
// structure Attributes, and the name of one as its tag, an Attribute Reference (KMIP 2.1, 4
// and 5). There are no indices: an instance is named by its value. A client's own attribute
// is a structure of vendor, name and value; the vendors x and y stand for what 1.x calls
// "x-..." and "y-...". For other vendors this package has the name "vendor/name", which no
// message of 1.x can have.

// vendorMark stands between the vendor and the name of an attribute that is not one of 1.x.
const vendorMark = "/"

// vendorName is the name of a vendor's attribute; "" if the vendor or the name cannot be.
func vendorName(vendor, name string) string {
	switch {
	case name == "":
		return ""
	case vendor == "x", vendor == "y":
		return vendor + "-" + name
	case isVendor(vendor):
		return vendor + vendorMark + name
	}
	return ""
}

// splitVendor takes apart what vendorName has made.
func splitVendor(name string) (vendor, rest string, ok bool) {
	if strings.HasPrefix(name, "x-") || strings.HasPrefix(name, "y-") {
		return name[:1], name[2:], true
	}
	vendor, rest, ok = strings.Cut(name, vendorMark)
	return vendor, rest, ok && isVendor(vendor) && rest != ""
}

// isVendor says whether text can be a Vendor Identification: letters of ASCII, digits,
// underscores and full stops (KMIP 2.1, 5).
func isVendor(text string) bool {
	other := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.'
	}
	return text != "" && !strings.ContainsFunc(text, other)
}

// isVendorsOwn says whether a name is that of an attribute which 1.x cannot have.
func isVendorsOwn(name string) bool {
	_, _, ok := splitVendor(name)
	return ok && name[1] != '-'
}

// encodeField writes the attribute as 2.x has it.
func (a Attribute) encodeField(w *ttlv.Writer) {
	if vendor, name, ok := splitVendor(a.Name); ok {
		m := w.Begin(TagAttribute)
		w.TextString(TagVendorIdentification, vendor)
		w.TextString(TagAttributeName, name)
		w.Value(TagAttributeValue, a.Value)
		w.End(m)
		return
	}
	if t, ok := AttributeTypeOf(a.Name); ok {
		w.Value(t.Tag, a.Value)
	}
}

// encodeOne writes a New Attribute or Current Attribute.
func encodeOne(w *ttlv.Writer, tag ttlv.Tag, a Attribute) {
	m := w.Begin(tag)
	a.encodeFilter(w)
	w.End(m)
}

// encodeFilter writes the attribute into a Locate. A filter that is left out would find more
// than was asked for, so one that 2.x cannot say is written so that the server refuses it.
func (a Attribute) encodeFilter(w *ttlv.Writer) {
	if _, known := AttributeTypeOf(a.Name); known {
		a.encodeField(w)
		return
	}
	w.TextString(TagAttributeName, a.Name)
}

// encodeIn writes a structure of attributes.
func (l Attributes) encodeIn(w *ttlv.Writer, tag ttlv.Tag, v Version) {
	m := w.Begin(tag)
	l.encode(w, v)
	w.End(m)
}

// decodeField reads the current field as an attribute; ok is false if it is none.
func decodeField(r *ttlv.Reader) (a Attribute, ok bool) {
	if r.Tag() == TagAttribute {
		return decodeVendorAttribute(r)
	}
	name, ok := attributeOfTag(r.Tag())
	if !ok {
		return a, false
	}
	return Attribute{Name: name, Value: r.Value()}, true
}

func decodeVendorAttribute(r *ttlv.Reader) (a Attribute, ok bool) {
	var vendor, name string
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagVendorIdentification:
			vendor = s.TextString()
		case TagAttributeName:
			name = s.TextString()
		case TagAttributeValue:
			a.Value = s.Value()
		default:
			s.Unexpected()
		}
	}
	a.Name = vendorName(vendor, name)
	return a, a.Name != ""
}

// attributeOfTag returns the name of the attribute that 2.x sends under a tag.
func attributeOfTag(tag ttlv.Tag) (name string, ok bool) {
	for i := range attributeTypes {
		if t := &attributeTypes[i]; t.Tag == tag && !goneIn2(t.Name) {
			return t.Name, true
		}
	}
	return "", false
}

// maxAttributes bounds the work of numbering the instances of attributes. It is more than any
// object has.
const maxAttributes = 4096

// decodeAttributes reads the current field, a structure of attributes. In a request what is
// no attribute is a fault; in a response it is passed over, since servers differ.
func decodeAttributes(r *ttlv.Reader, request bool) (l Attributes) {
	for s := r.Structure(); s.Next(); {
		a, ok := decodeField(s)
		switch {
		case len(l) == maxAttributes:
			s.Fail(Errorf(ReasonInvalidField, "%s has more than %d attributes", NameOfTag(r.Tag()), maxAttributes).In2(ReasonServerLimitExceeded))
		case ok:
			l.Add(a.Name, a.Value)
		case request:
			s.Fail(errNoAttribute(s.Tag()))
		}
	}
	return l
}

// decodeOne reads the current field, a New Attribute or Current Attribute of a request.
func decodeOne(r *ttlv.Reader) Attribute {
	l := decodeAttributes(r, true)
	if len(l) != 1 {
		r.Fail(Errorf(ReasonInvalidField, "%s has %d attributes, and has to have one", NameOfTag(r.Tag()), len(l)))
		return Attribute{}
	}
	return l[0]
}

func errNoAttribute(tag ttlv.Tag) error {
	return Errorf(ReasonInvalidField, "%s is no attribute of this version, or one without a vendor or a name", NameOfTag(tag)).In2(ReasonInvalidAttribute)
}

// encodeReference writes the name of an attribute. One without a tag cannot be written.
func encodeReference(w *ttlv.Writer, name string) {
	if vendor, rest, ok := splitVendor(name); ok {
		m := w.Begin(TagAttributeReference)
		w.TextString(TagVendorIdentification, vendor)
		w.TextString(TagAttributeName, rest)
		w.End(m)
		return
	}
	if t, ok := AttributeTypeOf(name); ok {
		w.Enumeration(TagAttributeReference, uint32(t.Tag))
	}
}

// decodeReference reads the current field, an Attribute Reference. The name of what is no
// attribute is one that no object has.
func decodeReference(r *ttlv.Reader) (name string) {
	if r.Type() != ttlv.Structure {
		tag := ttlv.Tag(r.Enumeration())
		if name, ok := attributeOfTag(tag); ok {
			return name
		}
		return tag.String()
	}
	var vendor string
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagVendorIdentification:
			vendor = s.TextString()
		case TagAttributeName:
			name = s.TextString()
		default:
			s.Unexpected()
		}
	}
	if name = vendorName(vendor, name); name == "" {
		r.Fail(Errorf(ReasonInvalidField, "an Attribute Reference has no vendor or no name").In2(ReasonInvalidAttribute))
	}
	return name
}

// encodeAttributeName writes the name of an attribute that sendable has let pass.
func encodeAttributeName(w *ttlv.Writer, v Version, name string) {
	if v.Major >= 2 {
		encodeReference(w, name)
		return
	}
	w.TextString(TagAttributeName, name)
}

// decodeAttributeName reads the current field, an Attribute Name or Attribute Reference.
func decodeAttributeName(r *ttlv.Reader) string {
	switch {
	case !inPlace(r):
		return ""
	case r.Edition() >= 2:
		return decodeReference(r)
	}
	return r.TextString()
}

// asOf1 gives the tag that 1.x uses in the place of one of 2.x, so that a decoder needs one
// case for both. Whether the message is of the version is seen to where the field is read.
func asOf1(tag ttlv.Tag) ttlv.Tag {
	switch tag {
	case TagAttributes:
		return TagTemplateAttribute
	case TagCommonAttributes:
		return TagCommonTemplateAttribute
	case TagPrivateKeyAttributes:
		return TagPrivateKeyTemplateAttribute
	case TagPublicKeyAttributes:
		return TagPublicKeyTemplateAttribute
	case TagAttributeReference:
		return TagAttributeName
	}
	return tag
}

// asOf2 is the other way of asOf1.
func asOf2(tag ttlv.Tag) ttlv.Tag {
	switch tag {
	case TagTemplateAttribute:
		return TagAttributes
	case TagCommonTemplateAttribute:
		return TagCommonAttributes
	case TagPrivateKeyTemplateAttribute:
		return TagPrivateKeyAttributes
	case TagPublicKeyTemplateAttribute:
		return TagPublicKeyAttributes
	}
	return tag
}

// inPlace says whether the current field is of the message's version, where 1.x and 2.x have
// different ones, and records the fault if not.
func inPlace(r *ttlv.Reader) bool {
	if (asOf1(r.Tag()) != r.Tag()) == (r.Edition() >= 2) {
		return true
	}
	r.Unexpected()
	return false
}
