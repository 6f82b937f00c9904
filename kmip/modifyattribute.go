package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ModifyAttributeRequest replaces the value of an instance of an attribute (KMIP 1.4, 4.15).
type ModifyAttributeRequest struct {
	UniqueIdentifier string
	// Current says in 2.x which instance, by its value; nil where there is one only. 1.x says
	// it by the index in Attribute.
	Current   *Attribute
	Attribute Attribute
}

// ModifyAttributeResponse holds the attribute as it is now. In 2.x it names the object only.
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
	encodeNew(w, v, p.UniqueIdentifier, p.Current, p.Attribute)
}

// Decode reads the payload's fields.
func (p *ModifyAttributeRequest) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Current, p.Attribute = decodeNew(r)
}

// Encode appends the payload's fields.
func (p *ModifyAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeChanged(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *ModifyAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeChanged(r)
}
