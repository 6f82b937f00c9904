package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ActivateRequest makes a Pre-Active object Active (KMIP 1.4, 4.19). An empty
// UniqueIdentifier is the ID Placeholder.
type ActivateRequest struct{ UniqueIdentifier string }

// ActivateResponse names the object.
type ActivateResponse struct{ UniqueIdentifier string }

// Operation is Activate.
func (*ActivateRequest) Operation() Operation { return OpActivate }

// Operation is Activate.
func (*ActivateResponse) Operation() Operation { return OpActivate }

// Encode appends the payload's fields.
func (p *ActivateRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Encode appends the payload's fields.
func (p *ActivateResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *ActivateRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Decode reads the payload's fields.
func (p *ActivateResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
