package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// DeleteAttributeRequest deletes an instance of an attribute (KMIP 1.4, 4.16). In 2.x it
// says which one by its value in Current, or means all instances of Name.
type DeleteAttributeRequest struct {
	UniqueIdentifier string
	Name             string
	Index            int32
	Current          *Attribute
}

// DeleteAttributeResponse holds the attribute that was deleted. In 2.x it names the object
// only.
type DeleteAttributeResponse struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// Operation is DeleteAttribute.
func (*DeleteAttributeRequest) Operation() Operation { return OpDeleteAttribute }

// Operation is DeleteAttribute.
func (*DeleteAttributeResponse) Operation() Operation { return OpDeleteAttribute }

// Encode appends the payload's fields.
func (p *DeleteAttributeRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if v.Major >= 2 {
		if p.Current != nil {
			encodeOne(w, TagCurrentAttribute, *p.Current)
		} else {
			encodeReference(w, p.Name)
		}
		return
	}
	w.TextString(TagAttributeName, p.Name)
	if p.Index != 0 {
		w.Integer(TagAttributeIndex, p.Index)
	}
}

// Decode reads the payload's fields.
func (p *DeleteAttributeRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagAttributeName:
			p.Name = decodeAttributeName(r)
			if _, known := AttributeTypeOf(p.Name); !known && r.Edition() >= 2 {
				r.Fail(errNoAttribute(r.Tag()))
			}
		case TagAttributeIndex:
			p.Index = r.Integer()
		case TagCurrentAttribute:
			a := decodeOne(r)
			p.Current, p.Name = &a, a.Name
		default:
			r.Unexpected()
		}
	}
	if r.Err() == nil && (p.Name == "" || r.Edition() >= 2 && p.Index != 0 || r.Edition() < 2 && p.Current != nil) {
		r.Fail(Errorf(ReasonInvalidField, "the request does not say which attribute to delete in a way that its version has"))
	}
}

// Encode appends the payload's fields.
func (p *DeleteAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeChanged(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *DeleteAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeChanged(r)
}
