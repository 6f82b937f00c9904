package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// CheckRequest asks whether an object may be used in a way, without using it (KMIP 1.4, 4.10).
// An empty UniqueIdentifier is the ID Placeholder; what is nil is not asked for.
type CheckRequest struct {
	UniqueIdentifier string
	UsageLimitsCount *int64
	UsageMask        *UsageMask
	LeaseTime        *uint32 // in seconds
}

// CheckResponse names the object that may be used so.
type CheckResponse struct{ UniqueIdentifier string }

// Operation is Check.
func (*CheckRequest) Operation() Operation { return OpCheck }

// Operation is Check.
func (*CheckResponse) Operation() Operation { return OpCheck }

// Encode appends the payload's fields.
func (p *CheckRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	if p.UsageLimitsCount != nil {
		w.LongInteger(TagUsageLimitsCount, *p.UsageLimitsCount)
	}
	if p.UsageMask != nil {
		w.Integer(TagCryptographicUsageMask, int32(*p.UsageMask))
	}
	if p.LeaseTime != nil {
		w.Interval(TagLeaseTime, *p.LeaseTime)
	}
}

// Decode reads the payload's fields.
func (p *CheckRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagUsageLimitsCount:
			n := r.LongInteger()
			p.UsageLimitsCount = &n
		case TagCryptographicUsageMask:
			m := UsageMask(r.Integer())
			p.UsageMask = &m
		case TagLeaseTime:
			t := r.Interval()
			p.LeaseTime = &t
		default:
			r.Unexpected()
			return
		}
	}
}

// Encode appends the payload's fields.
func (p *CheckResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *CheckResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
