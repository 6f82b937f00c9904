package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// SignRequest has the server sign data with a private key that it keeps (KMIP 1.2, 4.31). What the
// message owns is wiped with it.
type SignRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	DigestedData     *secret.Bytes // since 1.4, in place of Data: its hash
	Part
}

// SignResponse is the signature.
type SignResponse struct {
	UniqueIdentifier string
	SignatureData    []byte // nil: it comes with the last part
	Correlation      []byte // of the first of several parts
}

// Operation is Sign.
func (*SignRequest) Operation() Operation { return OpSign }

// Operation is Sign.
func (*SignResponse) Operation() Operation { return OpSign }

// Encode appends the payload's fields.
func (p *SignRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	if p.DigestedData != nil {
		w.ByteString(TagDigestedData, p.DigestedData.Reveal())
	}
	p.Part.encode(w)
}

// Decode reads the payload's fields.
func (p *SignRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagCryptographicParameters:
			p.Parameters = decodeParameters(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagDigestedData:
			p.DigestedData.Wipe()
			p.DigestedData = secret.Copy(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *SignResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	writeBytes(w, TagSignatureData, p.SignatureData)
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *SignResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagSignatureData:
			p.SignatureData = bytes.Clone(r.ByteString())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		}
	}
}
