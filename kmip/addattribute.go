package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// AddAttributeRequest adds an instance of an attribute (KMIP 1.4, 4.14).
type AddAttributeRequest struct {
	UniqueIdentifier string
	Attribute        Attribute
}

// AddAttributeResponse holds the attribute with the index that it got. In 2.x it names the
// object only.
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
	encodeNew(w, v, p.UniqueIdentifier, nil, p.Attribute)
}

// Decode reads the payload's fields.
func (p *AddAttributeRequest) Decode(r *ttlv.Reader) {
	var current *Attribute
	if p.UniqueIdentifier, current, p.Attribute = decodeNew(r); current != nil {
		r.Fail(Errorf(ReasonInvalidField, "Add Attribute has no Current Attribute"))
	}
}

// Encode appends the payload's fields.
func (p *AddAttributeResponse) Encode(w *ttlv.Writer, v Version) {
	encodeChanged(w, v, p.UniqueIdentifier, p.Attribute)
}

// Decode reads the payload's fields.
func (p *AddAttributeResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Attribute = decodeChanged(r)
}

// encodeNew writes a request with an attribute: in 1.x the attribute, in 2.x a New Attribute,
// and before it the Current Attribute, if there is one. What the version does not have is
// written all the same: the server has to refuse the request, and not find it empty.
func encodeNew(w *ttlv.Writer, v Version, id string, current *Attribute, a Attribute) {
	writeID(w, id)
	if v.Major < 2 {
		a.encode(w, V1_4)
		return
	}
	if current != nil {
		encodeOne(w, TagCurrentAttribute, *current)
	}
	encodeOne(w, TagNewAttribute, a)
}

func decodeNew(r *ttlv.Reader) (id string, current *Attribute, a Attribute) {
	given := false
	for r.Next() {
		switch {
		case r.Tag() == TagUniqueIdentifier:
			id = readUID(r)
		case r.Tag() == TagAttribute && r.Edition() < 2:
			a, given = decodeAttribute(r), true
		case r.Tag() == TagNewAttribute && r.Edition() >= 2:
			a, given = decodeOne(r), true
		case r.Tag() == TagCurrentAttribute && r.Edition() >= 2:
			c := decodeOne(r)
			current = &c
		default:
			r.Unexpected()
		}
	}
	if !given && r.Err() == nil {
		r.Fail(Errorf(ReasonInvalidField, "there is no attribute in the request"))
	}
	return id, current, a
}

// encodeChanged writes the response to a change of an attribute, which 2.x does not repeat.
func encodeChanged(w *ttlv.Writer, v Version, id string, a Attribute) {
	writeID(w, id)
	if v.Major < 2 {
		a.encode(w, v)
	}
}

func decodeChanged(r *ttlv.Reader) (id string, a Attribute) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			id = r.TextString()
		case TagAttribute:
			a = decodeAttribute(r)
		}
	}
	return id, a
}
