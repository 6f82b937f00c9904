package kmip

import (
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// RNGSeedRequest gives the server randomness (KMIP 1.2, 4.36). What the message owns is wiped
// with it.
type RNGSeedRequest struct {
	Data *secret.Bytes
}

// RNGSeedResponse says how much of it was used.
type RNGSeedResponse struct {
	DataLength int32 // in bytes
}

// Operation is RNG Seed.
func (*RNGSeedRequest) Operation() Operation { return OpRNGSeed }

// Operation is RNG Seed.
func (*RNGSeedResponse) Operation() Operation { return OpRNGSeed }

// Encode appends the payload's fields.
func (p *RNGSeedRequest) Encode(w *ttlv.Writer, _ Version) {
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
}

// Decode reads the payload's fields.
func (p *RNGSeedRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *RNGSeedResponse) Encode(w *ttlv.Writer, _ Version) {
	w.Integer(TagDataLength, p.DataLength)
}

// Decode reads the payload's fields.
func (p *RNGSeedResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagDataLength:
			p.DataLength = r.Integer()
		}
	}
}
