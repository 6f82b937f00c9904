package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MACVerifyRequest has the server check a message authentication code (KMIP 1.2, 4.34). What
// the message owns is wiped with it.
type MACVerifyRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	MACData          []byte // with the last part
	Part
}

// MACVerifyResponse says whether the code is right.
type MACVerifyResponse struct {
	UniqueIdentifier string
	Validity         ValidityIndicator // 0: the last part has not come
	Correlation      []byte            // of the first of several parts
}

// Operation is MAC Verify.
func (*MACVerifyRequest) Operation() Operation { return OpMACVerify }

// Operation is MAC Verify.
func (*MACVerifyResponse) Operation() Operation { return OpMACVerify }

// Encode appends the payload's fields.
func (p *MACVerifyRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	writeBytes(w, TagMACData, p.MACData)
	p.Part.encode(w)
}

// Decode reads the payload's fields.
func (p *MACVerifyRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagCryptographicParameters:
			p.Parameters = decodeParameters(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagMACData:
			p.MACData = bytes.Clone(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *MACVerifyResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Validity != 0 {
		w.Enumeration(TagValidityIndicator, uint32(p.Validity))
	}
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *MACVerifyResponse) Decode(r *ttlv.Reader) {
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
