package kmip

import (
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// RNGRetrieveRequest asks the server for random bytes (KMIP 1.2, 4.35).
type RNGRetrieveRequest struct {
	Length int32 // how many
}

// RNGRetrieveResponse holds random bytes. Its receiver owns and wipes them.
type RNGRetrieveResponse struct {
	Data *secret.Bytes
}

// Operation is RNGRetrieve.
func (*RNGRetrieveRequest) Operation() Operation { return OpRNGRetrieve }

// Operation is RNGRetrieve.
func (*RNGRetrieveResponse) Operation() Operation { return OpRNGRetrieve }

// Encode appends the payload's fields.
func (p *RNGRetrieveRequest) Encode(w *ttlv.Writer, _ Version) {
	w.Integer(TagDataLength, p.Length)
}

// Decode reads the payload's fields.
func (p *RNGRetrieveRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		if r.Tag() != TagDataLength {
			r.Unexpected()
			return
		}
		p.Length = r.Integer()
	}
}

// Encode appends the payload's fields.
func (p *RNGRetrieveResponse) Encode(w *ttlv.Writer, _ Version) {
	w.ByteString(TagData, p.Data.Reveal())
}

// Decode reads the payload's fields.
func (p *RNGRetrieveResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		if r.Tag() == TagData {
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		}
	}
}
