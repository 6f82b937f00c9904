package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// AdjustAttributeRequest adds to the value of an attribute, takes from it, or negates it,
// whatever it is at that moment (KMIP 2.0, since which it is there).
type AdjustAttributeRequest struct {
	UniqueIdentifier string
	Name             string
	Type             AdjustmentType
	Value            *ttlv.Value // by how much; nil: by one
}

// AdjustAttributeResponse names the object.
type AdjustAttributeResponse struct{ UniqueIdentifier string }

// Operation is Adjust Attribute.
func (*AdjustAttributeRequest) Operation() Operation { return OpAdjustAttribute }

// Operation is Adjust Attribute.
func (*AdjustAttributeResponse) Operation() Operation { return OpAdjustAttribute }

// Encode appends the payload's fields.
func (p *AdjustAttributeRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	encodeAttributeName(w, v, p.Name)
	w.Enumeration(TagAdjustmentType, uint32(p.Type))
	if p.Value != nil {
		w.Value(TagAdjustmentValue, *p.Value)
	}
}

// Decode reads the payload's fields.
func (p *AdjustAttributeRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagAttributeReference:
			p.Name = decodeAttributeName(r)
		case TagAdjustmentType:
			p.Type = AdjustmentType(r.Enumeration())
		case TagAdjustmentValue:
			v := r.Value()
			p.Value = &v
		default:
			r.Unexpected()
		}
	}
	if _, known := AttributeTypeOf(p.Name); !known && r.Err() == nil {
		r.Fail(Errorf(ReasonInvalidField, "the request names no attribute that there is").In2(ReasonInvalidAttribute))
	}
}

// Encode appends the payload's fields.
func (p *AdjustAttributeResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *AdjustAttributeResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
