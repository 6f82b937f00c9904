package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// HashRequest has the server hash data (KMIP 1.2, 4.37). The Cryptographic Parameters give the
// Hashing Algorithm. What the message owns is wiped with it.
type HashRequest struct {
	Parameters *CryptographicParameters
	Data       *secret.Bytes
	Part
}

// HashResponse is the hash.
type HashResponse struct {
	Digest      []byte // nil: it comes with the last part
	Correlation []byte // of the first of several parts
}

// Operation is Hash.
func (*HashRequest) Operation() Operation { return OpHash }

// Operation is Hash.
func (*HashResponse) Operation() Operation { return OpHash }

// Encode appends the payload's fields.
func (p *HashRequest) Encode(w *ttlv.Writer, _ Version) {
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	p.Part.encode(w)
}

// Decode reads the payload's fields.
func (p *HashRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagCryptographicParameters:
			p.Parameters = decodeParameters(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *HashResponse) Encode(w *ttlv.Writer, _ Version) {
	writeBytes(w, TagData, p.Digest)
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *HashResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagData:
			p.Digest = bytes.Clone(r.ByteString())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		}
	}
}
