package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ArchiveRequest has an object put away: until it is recovered, nobody gets or uses it (KMIP
// 1.4, 4.22). An empty UniqueIdentifier is the ID Placeholder.
type ArchiveRequest struct{ UniqueIdentifier string }

// ArchiveResponse names the object.
type ArchiveResponse struct{ UniqueIdentifier string }

// Operation is Archive.
func (*ArchiveRequest) Operation() Operation { return OpArchive }

// Operation is Archive.
func (*ArchiveResponse) Operation() Operation { return OpArchive }

// Encode appends the payload's fields.
func (p *ArchiveRequest) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *ArchiveRequest) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readOnlyID(r) }

// Encode appends the payload's fields.
func (p *ArchiveResponse) Encode(w *ttlv.Writer, _ Version) { writeID(w, p.UniqueIdentifier) }

// Decode reads the payload's fields.
func (p *ArchiveResponse) Decode(r *ttlv.Reader) { p.UniqueIdentifier = readID(r) }
