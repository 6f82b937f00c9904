package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// GetUsageAllocationRequest asks for a part of what a key's Usage Limits leave, for a client
// that uses the key itself (KMIP 1.4, 4.18). The count is in the unit of the key's limits. An
// empty UniqueIdentifier is the ID Placeholder.
type GetUsageAllocationRequest struct {
	UniqueIdentifier string
	UsageLimitsCount int64
}

// GetUsageAllocationResponse names the key of which the client has the whole count now.
type GetUsageAllocationResponse struct{ UniqueIdentifier string }

// Operation is Get Usage Allocation.
func (*GetUsageAllocationRequest) Operation() Operation { return OpGetUsageAllocation }

// Operation is Get Usage Allocation.
func (*GetUsageAllocationResponse) Operation() Operation { return OpGetUsageAllocation }

// Encode appends the payload's fields.
func (p *GetUsageAllocationRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	w.LongInteger(TagUsageLimitsCount, p.UsageLimitsCount)
}

// Decode reads the payload's fields.
func (p *GetUsageAllocationRequest) Decode(r *ttlv.Reader) {
	counted := false
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagUsageLimitsCount:
			p.UsageLimitsCount, counted = r.LongInteger(), true
		default:
			r.Unexpected()
			return
		}
	}
	if r.Err() == nil && !counted {
		r.Fail(Errorf(ReasonInvalidMessage, "there is no Usage Limits Count"))
	}
}

// Encode appends the payload's fields.
func (p *GetUsageAllocationResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
}

// Decode reads the payload's fields.
func (p *GetUsageAllocationResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
