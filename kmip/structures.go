package kmip

import (
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Name is a name that a client gave an object (KMIP 1.4, 3.2). A Type of zero
// stands for an uninterpreted text string.
type Name struct {
	Value string
	Type  NameType
}

// TTLV returns the name as an attribute's value.
func (n Name) TTLV() ttlv.Value {
	if n.Type == 0 {
		n.Type = NameUninterpretedTextString
	}
	return ttlv.StructureValue(
		ttlv.Field{Tag: TagNameValue, Value: ttlv.TextValue(n.Value)},
		ttlv.Field{Tag: TagNameType, Value: ttlv.EnumerationValue(uint32(n.Type))},
	)
}

// ParseName reads the value of a Name attribute.
func ParseName(v ttlv.Value) (Name, error) {
	f := fields{v: v, what: AttrName}
	n := Name{Value: f.text(TagNameValue), Type: NameType(f.enumeration(TagNameType))}
	return n, f.err
}

// ApplicationSpecificInformation is data that an application keeps with an
// object, in a namespace of its own (KMIP 1.4, 3.36).
type ApplicationSpecificInformation struct {
	Namespace string
	Data      string
}

// TTLV returns it as an attribute's value.
func (a ApplicationSpecificInformation) TTLV() ttlv.Value {
	return ttlv.StructureValue(
		ttlv.Field{Tag: TagApplicationNamespace, Value: ttlv.TextValue(a.Namespace)},
		ttlv.Field{Tag: TagApplicationData, Value: ttlv.TextValue(a.Data)},
	)
}

// ParseApplicationSpecificInformation reads the value of such an attribute.
func ParseApplicationSpecificInformation(v ttlv.Value) (ApplicationSpecificInformation, error) {
	f := fields{v: v, what: AttrAppSpecificInformation}
	a := ApplicationSpecificInformation{Namespace: f.text(TagApplicationNamespace)}
	if _, ok := v.Field(TagApplicationData); ok { // the server may be asked to make it up
		a.Data = f.text(TagApplicationData)
	}
	return a, f.err
}

// Link points from one object to another (KMIP 1.4, 3.35).
type Link struct {
	Type LinkType
	ID   string
}

// TTLV returns the link as an attribute's value.
func (l Link) TTLV() ttlv.Value {
	return ttlv.StructureValue(
		ttlv.Field{Tag: TagLinkType, Value: ttlv.EnumerationValue(uint32(l.Type))},
		ttlv.Field{Tag: TagLinkedObjectIdentifier, Value: ttlv.TextValue(l.ID)},
	)
}

// ParseLink reads the value of a Link attribute.
func ParseLink(v ttlv.Value) (Link, error) {
	f := fields{v: v, what: AttrLink}
	l := Link{Type: LinkType(f.enumeration(TagLinkType)), ID: f.text(TagLinkedObjectIdentifier)}
	return l, f.err
}

// RevocationReason says why an object was revoked (KMIP 1.4, 3.31).
type RevocationReason struct {
	Code    RevocationReasonCode
	Message string
}

// TTLV returns the reason as an attribute's value.
func (r RevocationReason) TTLV() ttlv.Value {
	v := ttlv.StructureValue(ttlv.Field{Tag: TagRevocationReasonCode, Value: ttlv.EnumerationValue(uint32(r.Code))})
	if r.Message != "" {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagRevocationMessage, Value: ttlv.TextValue(r.Message)})
	}
	return v
}

// ParseRevocationReason reads the value of a Revocation Reason.
func ParseRevocationReason(v ttlv.Value) (RevocationReason, error) {
	f := fields{v: v, what: AttrRevocationReason}
	r := RevocationReason{Code: RevocationReasonCode(f.enumeration(TagRevocationReasonCode))}
	if _, ok := v.Field(TagRevocationMessage); ok {
		r.Message = f.text(TagRevocationMessage)
	}
	return r, f.err
}

// Digest is a hash over an object's key material (KMIP 1.4, 3.17).
type Digest struct {
	Algorithm HashingAlgorithm
	Value     []byte
	Format    KeyFormatType // since 1.1; 0 leaves it out
}

// TTLV returns the digest as an attribute's value.
func (d Digest) TTLV() ttlv.Value {
	v := ttlv.StructureValue(
		ttlv.Field{Tag: TagHashingAlgorithm, Value: ttlv.EnumerationValue(uint32(d.Algorithm))},
		ttlv.Field{Tag: TagDigestValue, Value: ttlv.BytesValue(d.Value)},
	)
	if d.Format != 0 {
		v.Fields = append(v.Fields, ttlv.Field{Tag: TagKeyFormatType, Value: ttlv.EnumerationValue(uint32(d.Format))})
	}
	return v
}

// DateAttribute, TextAttribute and their siblings make an attribute of index 0.
func DateAttribute(name string, t time.Time) Attribute {
	return Attribute{Name: name, Value: ttlv.DateTimeValue(t)}
}

// TextAttribute makes an attribute whose value is text.
func TextAttribute(name, text string) Attribute {
	return Attribute{Name: name, Value: ttlv.TextValue(text)}
}

// IntegerAttribute makes an attribute whose value is a number.
func IntegerAttribute(name string, n int32) Attribute {
	return Attribute{Name: name, Value: ttlv.IntegerValue(n)}
}

// EnumerationAttribute makes an attribute whose value is a code.
func EnumerationAttribute[E ~uint32](name string, e E) Attribute {
	return Attribute{Name: name, Value: ttlv.EnumerationValue(uint32(e))}
}

// NameAttribute makes a Name that is an uninterpreted text string.
func NameAttribute(name string) Attribute {
	return Attribute{Name: AttrName, Value: Name{Value: name}.TTLV()}
}

// fields reads a Structure value; the first fault sticks.
type fields struct {
	v    ttlv.Value
	what string
	err  error
}

func (f *fields) get(tag ttlv.Tag, typ ttlv.Type) ttlv.Value {
	v, ok := f.v.Field(tag)
	switch {
	case f.err != nil:
	case f.v.Type != ttlv.Structure:
		f.err = fmt.Errorf("%w: %s is a Structure, not %s", ttlv.ErrType, f.what, f.v.Type)
	case !ok:
		f.err = fmt.Errorf("%w: %s has no %s", ttlv.ErrField, f.what, NameOfTag(tag))
	case v.Type != typ:
		f.err = fmt.Errorf("%w: %s of %s is of type %s, not %s", ttlv.ErrType, NameOfTag(tag), f.what, typ, v.Type)
	default:
		return v
	}
	return ttlv.Value{}
}

func (f *fields) text(tag ttlv.Tag) string { return f.get(tag, ttlv.TextString).Text }
func (f *fields) enumeration(tag ttlv.Tag) uint32 {
	return uint32(f.get(tag, ttlv.Enumeration).Int)
}
