package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// DestroyRequest deletes an object's key material for good (KMIP 1.4, 4.21). An empty
// UniqueIdentifier is the ID Placeholder.
type DestroyRequest struct{ UniqueIdentifier string }

// DestroyResponse names the object.
type DestroyResponse struct{ UniqueIdentifier string }

// Operation is Destroy.
func (*DestroyRequest) Operation() Operation { return OpDestroy }

// Operation is Destroy.
func (*DestroyResponse) Operation() Operation { return OpDestroy }

// Encode appends the payload's fields.
func (p *DestroyRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Encode appends the payload's fields.
func (p *DestroyResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *DestroyRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Decode reads the payload's fields.
func (p *DestroyResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
