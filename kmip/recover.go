package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// RecoverRequest brings back an object that was put away by Archive (KMIP 1.4, 4.23). An
// empty UniqueIdentifier is the ID Placeholder.
type RecoverRequest struct{ UniqueIdentifier string }

// RecoverResponse names the object.
type RecoverResponse struct{ UniqueIdentifier string }

// Operation is Recover.
func (*RecoverRequest) Operation() Operation { return OpRecover }

// Operation is Recover.
func (*RecoverResponse) Operation() Operation { return OpRecover }

// Encode appends the payload's fields.
func (p *RecoverRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *RecoverRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Encode appends the payload's fields.
func (p *RecoverResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *RecoverResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
