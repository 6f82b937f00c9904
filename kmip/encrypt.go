package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// EncryptRequest has the server encrypt data with a key that it keeps (KMIP 1.2, 4.29). What the
// message owns is wiped with it.
type EncryptRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	IV               []byte // nil: the server makes one
	Part
	AdditionalData []byte // since 1.4: authenticated with the data
}

// EncryptResponse is the result. Its receiver owns and wipes Data.
type EncryptResponse struct {
	UniqueIdentifier string
	Data             *secret.Bytes // nil: no more comes out of this part
	IV               []byte        // that the server has made; nil if the request had one
	Correlation      []byte        // of the first of several parts
	Tag              []byte        // since 1.4, of authenticated encryption
}

// Operation is Encrypt.
func (*EncryptRequest) Operation() Operation { return OpEncrypt }

// Operation is Encrypt.
func (*EncryptResponse) Operation() Operation { return OpEncrypt }

// Encode appends the payload's fields. Those of authenticated encryption are sent at any
// version when they are set: a server that cannot read them has to refuse, since without
// them it would do something else.
func (p *EncryptRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	writeBytes(w, TagIVCounterNonce, p.IV)
	p.Part.encode(w)
	writeBytes(w, TagAuthenticatedEncryptionAdditionalData, p.AdditionalData)
}

// Decode reads the payload's fields.
func (p *EncryptRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagCryptographicParameters:
			p.Parameters = decodeParameters(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagIVCounterNonce:
			p.IV = bytes.Clone(r.ByteString())
		case TagAuthenticatedEncryptionAdditionalData:
			p.AdditionalData = bytes.Clone(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *EncryptResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	writeBytes(w, TagIVCounterNonce, p.IV)
	writeBytes(w, TagCorrelationValue, p.Correlation)
	if v.AtLeast(V1_4) {
		writeBytes(w, TagAuthenticatedEncryptionTag, p.Tag)
	}
}

// Decode reads the payload's fields.
func (p *EncryptResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagIVCounterNonce:
			p.IV = bytes.Clone(r.ByteString())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		case TagAuthenticatedEncryptionTag:
			p.Tag = bytes.Clone(r.ByteString())
		}
	}
}
