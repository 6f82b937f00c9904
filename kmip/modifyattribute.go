package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ModifyAttributeRequest replaces the value of an instance of an attribute (KMIP 1.4, 4.15).
type ModifyAttributeRequest struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// ModifyAttributeResponse holds the attribute as it is now.
type ModifyAttributeResponse struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// Operation is ModifyAttribute.
func (*ModifyAttributeRequest) Operation() Operation { return OpModifyAttribute }

// Operation is ModifyAttribute.
func (*ModifyAttributeResponse) Operation() Operation { return OpModifyAttribute }

// Encode appends the payload's fields.
func (p *ModifyAttributeRequest) Encode(w *ttlv.Writer, v Version) {
	encodeAttributeOf(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *ModifyAttributeRequest) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeAttributeOf(r)
}

// Encode appends the payload's fields.
func (p *ModifyAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeAttributeOf(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *ModifyAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeAttributeOf(r)
}
