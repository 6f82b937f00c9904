package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// AddAttributeRequest adds an instance of an attribute (KMIP 1.4, 4.14).
type AddAttributeRequest struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// AddAttributeResponse holds the attribute with the index that it got.
type AddAttributeResponse struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// Operation is AddAttribute.
func (*AddAttributeRequest) Operation() Operation { return OpAddAttribute }

// Operation is AddAttribute.
func (*AddAttributeResponse) Operation() Operation { return OpAddAttribute }

// Encode appends the payload's fields.
func (p *AddAttributeRequest) Encode(w *ttlv.Writer, v Version) {
	encodeAttributeOf(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *AddAttributeRequest) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeAttributeOf(r)
}

// Encode appends the payload's fields.
func (p *AddAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeAttributeOf(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *AddAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeAttributeOf(r)
}

func encodeAttributeOf(w *ttlv.Writer, v Version, id string, a Attribute) {
	writeID(w, id)
	a.encode(w, v)
}

func decodeAttributeOf(r *ttlv.Reader) (id string, a Attribute) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			id = r.TextString()
		case TagAttribute:
			a = decodeAttribute(r)
		default:
			r.Unexpected()
		}
	}
	return id, a
}
