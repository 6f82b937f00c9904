package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// GetAttributeListRequest asks for the names of an object's attributes (KMIP 1.4,
// 4.13).
type GetAttributeListRequest struct{ UniqueIdentifier string }

// GetAttributeListResponse lists the names, each once.
type GetAttributeListResponse struct {
	UniqueIdentifier string
	Names            []string
}

// Operation is GetAttributeList.
func (*GetAttributeListRequest) Operation() Operation { return OpGetAttributeList }

// Operation is GetAttributeList.
func (*GetAttributeListResponse) Operation() Operation { return OpGetAttributeList }

// Encode appends the payload's fields.
func (p *GetAttributeListRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *GetAttributeListRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Encode appends the payload's fields.
func (p *GetAttributeListResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	for _, n := range p.Names {
		if sendable(n, v) {
			encodeAttributeName(w, v, n)
		}
	}
}

// Decode reads the payload's fields.
func (p *GetAttributeListResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagAttributeName:
			p.Names = append(p.Names, decodeAttributeName(r))
		}
	}
}
