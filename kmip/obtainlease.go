package kmip

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// ObtainLeaseRequest asks for how long a client may use an object that it has before it asks
// again (KMIP 1.4, 4.17). An empty UniqueIdentifier is the ID Placeholder.
type ObtainLeaseRequest struct{ UniqueIdentifier string }

// ObtainLeaseResponse is the lease. LastChange tells the client whether its copy of the
// attributes is that of today.
type ObtainLeaseResponse struct {
	UniqueIdentifier string
	LeaseTime        uint32    // in seconds
	LastChange       time.Time // the Last Change Date
}

// Operation is Obtain Lease.
func (*ObtainLeaseRequest) Operation() Operation { return OpObtainLease }

// Operation is Obtain Lease.
func (*ObtainLeaseResponse) Operation() Operation { return OpObtainLease }

// Encode appends the payload's fields.
func (p *ObtainLeaseRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *ObtainLeaseRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Encode appends the payload's fields.
func (p *ObtainLeaseResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	w.Interval(TagLeaseTime, p.LeaseTime)
	w.DateTime(TagLastChangeDate, p.LastChange)
}

// Decode reads the payload's fields.
func (p *ObtainLeaseResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = r.TextString()
		case TagLeaseTime:
			p.LeaseTime = r.Interval()
		case TagLastChangeDate:
			p.LastChange = r.DateTime()
		}
	}
}
