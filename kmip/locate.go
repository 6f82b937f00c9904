package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// LocateRequest asks for the objects that have all the attributes (KMIP 1.4,
// 4.9). A date given once is matched exactly, given twice as a range, both ends
// included.
type LocateRequest struct {
	MaximumItems      int32 // 0 for no limit
	OffsetItems       *int32
	StorageStatus     StorageMask // where to look; 0 leaves it to the server
	ObjectGroupMember GroupMember // since 1.1; 0 for any
	Attributes        Attributes
}

// LocateResponse lists the objects found. LocatedItems is how many matched in
// all, and nil where the server does not say: it is a field of 1.3, which clients
// of older versions that page with Offset Items read too.
type LocateResponse struct {
	LocatedItems      *int32
	UniqueIdentifiers []string
}

// Operation is Locate.
func (*LocateRequest) Operation() Operation { return OpLocate }

// Operation is Locate.
func (*LocateResponse) Operation() Operation { return OpLocate }

// Encode appends the payload's fields. Offset Items is a field of 1.3; it is sent
// at any version when it is set, because servers take it.
func (p *LocateRequest) Encode(w *ttlv.Writer, v Version) {
	if p.MaximumItems != 0 {
		w.Integer(TagMaximumItems, p.MaximumItems)
	}
	if p.OffsetItems != nil {
		w.Integer(TagOffsetItems, *p.OffsetItems)
	}
	if p.StorageStatus != 0 {
		w.Integer(TagStorageStatusMask, int32(p.StorageStatus))
	}
	if p.ObjectGroupMember != 0 && v.AtLeast(V1_1) {
		w.Enumeration(TagObjectGroupMember, uint32(p.ObjectGroupMember))
	}
	if v.Major >= 2 {
		m := w.Begin(TagAttributes)
		for _, a := range p.Attributes {
			a.encodeFilter(w)
		}
		w.End(m)
		return
	}
	for _, a := range p.Attributes {
		a.encode(w, V1_4)
	}
}

// Decode reads the payload's fields.
func (p *LocateRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagMaximumItems:
			p.MaximumItems = r.Integer()
		case TagOffsetItems:
			n := r.Integer()
			p.OffsetItems = &n
		case TagStorageStatusMask:
			p.StorageStatus = StorageMask(r.Integer())
		case TagObjectGroupMember:
			p.ObjectGroupMember = GroupMember(r.Enumeration())
		case TagAttribute:
			if r.Edition() >= 2 {
				r.Unexpected()
				break
			}
			p.Attributes = append(p.Attributes, decodeAttribute(r))
		case TagAttributes:
			if inPlace(r) {
				p.Attributes = append(p.Attributes, decodeAttributes(r, true)...)
			}
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *LocateResponse) Encode(w *ttlv.Writer, _ Version) {
	if p.LocatedItems != nil {
		w.Integer(TagLocatedItems, *p.LocatedItems)
	}
	for _, id := range p.UniqueIdentifiers {
		w.TextString(TagUniqueIdentifier, id)
	}
}

// Decode reads the payload's fields.
func (p *LocateResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagLocatedItems:
			n := r.Integer()
			p.LocatedItems = &n
		case TagUniqueIdentifier:
			p.UniqueIdentifiers = append(p.UniqueIdentifiers, r.TextString())
		}
	}
}
