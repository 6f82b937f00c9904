package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// SignatureVerifyRequest has the server check a signature with a key that it keeps (KMIP 1.2,
// 4.32). What the message owns is wiped with it.
type SignatureVerifyRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	DigestedData     *secret.Bytes // since 1.4, in place of Data: its hash
	SignatureData    []byte        // with the last part
	Part
}

// SignatureVerifyResponse says whether the signature is right.
type SignatureVerifyResponse struct {
	UniqueIdentifier string
	Validity         ValidityIndicator // 0: the last part has not come
	Correlation      []byte            // of the first of several parts
}

// Operation is Signature Verify.
func (*SignatureVerifyRequest) Operation() Operation { return OpSignatureVerify }

// Operation is Signature Verify.
func (*SignatureVerifyResponse) Operation() Operation { return OpSignatureVerify }

// Encode appends the payload's fields.
func (p *SignatureVerifyRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	if p.DigestedData != nil {
		w.ByteString(TagDigestedData, p.DigestedData.Reveal())
	}
	writeBytes(w, TagSignatureData, p.SignatureData)
	p.Part.encode(w)
}

// Decode reads the payload's fields.
func (p *SignatureVerifyRequest) Decode(r *ttlv.Reader) {
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
		case TagSignatureData:
			p.SignatureData = bytes.Clone(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *SignatureVerifyResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Validity != 0 {
		w.Enumeration(TagValidityIndicator, uint32(p.Validity))
	}
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *SignatureVerifyResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagValidityIndicator:
			p.Validity = ValidityIndicator(r.Enumeration())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		}
	}
}
