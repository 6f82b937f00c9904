package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MACRequest has the server make a message authentication code with a key that it keeps (KMIP
// 1.2, 4.33). What the message owns is wiped with it.
type MACRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	Part
}

// MACResponse is the code.
type MACResponse struct {
	UniqueIdentifier string
	MACData          []byte // nil: it comes with the last part
	Correlation      []byte // of the first of several parts
}

// Operation is MAC.
func (*MACRequest) Operation() Operation { return OpMAC }

// Operation is MAC.
func (*MACResponse) Operation() Operation { return OpMAC }

// Encode appends the payload's fields.
func (p *MACRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	p.Part.encode(w)
}

// Decode reads the payload's fields.
func (p *MACRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
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
func (p *MACResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	writeBytes(w, TagMACData, p.MACData)
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *MACResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagMACData:
			p.MACData = bytes.Clone(r.ByteString())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		}
	}
}
