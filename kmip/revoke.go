package kmip

import (
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// RevokeRequest takes an object out of use: to Compromised for the compromise
// reasons, to Deactivated for all others (KMIP 1.4, 4.20).
type RevokeRequest struct {
	UniqueIdentifier string
	Reason           RevocationReason
	// CompromiseOccurrence is when the compromise first was; only with a
	// compromise reason, and zero where unknown.
	CompromiseOccurrence time.Time
}

// RevokeResponse names the object.
type RevokeResponse struct{ UniqueIdentifier string }

// Operation is Revoke.
func (*RevokeRequest) Operation() Operation { return OpRevoke }

// Operation is Revoke.
func (*RevokeResponse) Operation() Operation { return OpRevoke }

// Encode appends the payload's fields.
func (p *RevokeRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	w.Value(TagRevocationReason, p.Reason.TTLV())
	if !p.CompromiseOccurrence.IsZero() {
		w.DateTime(TagCompromiseOccurrenceDate, p.CompromiseOccurrence)
	}
}

// Decode reads the payload's fields.
func (p *RevokeRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagRevocationReason:
			var err error
			if p.Reason, err = ParseRevocationReason(r.Value()); err != nil {
				r.Fail(err)
			}
		case TagCompromiseOccurrenceDate:
			p.CompromiseOccurrence = r.DateTime()
		default:
			r.Unexpected()
		}
	}
	if r.Err() == nil && p.Reason.Code == 0 {
		r.Fail(Errorf(ReasonMissingData, "there is no Revocation Reason"))
	}
}

// Encode appends the payload's fields.
func (p *RevokeResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *RevokeResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
