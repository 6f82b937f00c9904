package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// DeleteAttributeRequest deletes an instance of an attribute (KMIP 1.4, 4.16).
type DeleteAttributeRequest struct {
	UniqueIdentifier string
	Name             string
	Index            int32
}

// DeleteAttributeResponse holds the attribute that was deleted.
type DeleteAttributeResponse struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// Operation is DeleteAttribute.
func (*DeleteAttributeRequest) Operation() Operation { return OpDeleteAttribute }

// Operation is DeleteAttribute.
func (*DeleteAttributeResponse) Operation() Operation { return OpDeleteAttribute }

// Encode appends the payload's fields.
func (p *DeleteAttributeRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	w.TextString(TagAttributeName, p.Name)
	if p.Index != 0 {
		w.Integer(TagAttributeIndex, p.Index)
	}
}

// Decode reads the payload's fields.
func (p *DeleteAttributeRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = r.TextString()
		case TagAttributeName:
			p.Name = r.TextString()
		case TagAttributeIndex:
			p.Index = r.Integer()
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *DeleteAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeAttributeOf(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *DeleteAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeAttributeOf(r)
}
