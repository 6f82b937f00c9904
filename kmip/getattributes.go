package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// GetAttributesRequest asks for the named attributes of an object, or for all
// (KMIP 1.4, 4.12).
type GetAttributesRequest struct {
	UniqueIdentifier string
	Names            []string
}

// GetAttributesResponse holds the attributes that the object has; one that it
// lacks is no error.
type GetAttributesResponse struct {
	UniqueIdentifier string
	Attributes       Attributes
}

// Operation is GetAttributes.
func (*GetAttributesRequest) Operation() Operation { return OpGetAttributes }

// Operation is GetAttributes.
func (*GetAttributesResponse) Operation() Operation { return OpGetAttributes }

// Encode appends the payload's fields.
func (p *GetAttributesRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	for _, n := range p.Names {
		if sendable(n, v) {
			encodeAttributeName(w, v, n)
		}
	}
}

// Decode reads the payload's fields.
func (p *GetAttributesRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagAttributeName:
			p.Names = append(p.Names, decodeAttributeName(r))
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *GetAttributesResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if v.Major >= 2 {
		p.Attributes.encodeIn(w, TagAttributes, v)
		return
	}
	p.Attributes.encode(w, v)
}

// Decode reads the payload's fields.
func (p *GetAttributesResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagAttribute:
			if p.Attributes == nil {
				p.Attributes = make(Attributes, 0, 4)
			}
			p.Attributes = append(p.Attributes, decodeAttribute(r))
		case TagAttributes:
			p.Attributes = decodeAttributes(r, false)
		}
	}
}
