package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// SetAttributeRequest gives an attribute a value, whether the object has the attribute or
// not; not one of several instances (KMIP 2.0, since which it is there).
type SetAttributeRequest struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// SetAttributeResponse names the object.
type SetAttributeResponse struct{ UniqueIdentifier string }

// Operation is Set Attribute.
func (*SetAttributeRequest) Operation() Operation { return OpSetAttribute }

// Operation is Set Attribute.
func (*SetAttributeResponse) Operation() Operation { return OpSetAttribute }

// Encode appends the payload's fields.
func (p *SetAttributeRequest) Encode(w *ttlv.Writer, v Version) {
	encodeNew(w, v, p.UniqueIdentifier, nil, p.Attribute)
}

// Decode reads the payload's fields.
func (p *SetAttributeRequest) Decode(r *ttlv.Reader) {
	var current *Attribute
	if p.UniqueIdentifier, current, p.Attribute = decodeNew(r); current != nil {
		r.Fail(Errorf(ReasonInvalidField, "Set Attribute has no Current Attribute"))
	}
}

// Encode appends the payload's fields.
func (p *SetAttributeResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *SetAttributeResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
