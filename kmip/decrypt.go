package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// DecryptRequest has the server decrypt data with a key that it keeps (KMIP 1.2, 4.30). What the
// message owns is wiped with it.
type DecryptRequest struct {
	UniqueIdentifier string
	Parameters       *CryptographicParameters // nil: the object's own
	Data             *secret.Bytes
	IV               []byte // nil: none
	Part
	AdditionalData []byte // since 1.4: authenticated with the data
	Tag            []byte // since 1.4, of authenticated encryption
}

// DecryptResponse is the result. Its receiver owns and wipes Data.
type DecryptResponse struct {
	UniqueIdentifier string
	Data             *secret.Bytes // nil: no more comes out of this part
	Correlation      []byte        // of the first of several parts
}

// Operation is Decrypt.
func (*DecryptRequest) Operation() Operation { return OpDecrypt }

// Operation is Decrypt.
func (*DecryptResponse) Operation() Operation { return OpDecrypt }

// Encode appends the payload's fields. Those of authenticated encryption are sent at any
// version when they are set: a server that cannot read them has to refuse, since without
// them it would do something else.
func (p *DecryptRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	p.Parameters.encode(w)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	writeBytes(w, TagIVCounterNonce, p.IV)
	p.Part.encode(w)
	writeBytes(w, TagAuthenticatedEncryptionAdditionalData, p.AdditionalData)
	writeBytes(w, TagAuthenticatedEncryptionTag, p.Tag)
}

// Decode reads the payload's fields.
func (p *DecryptRequest) Decode(r *ttlv.Reader) {
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
		case TagAuthenticatedEncryptionTag:
			p.Tag = bytes.Clone(r.ByteString())
		default:
			p.Part.decode(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *DecryptResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Data != nil {
		w.ByteString(TagData, p.Data.Reveal())
	}
	writeBytes(w, TagCorrelationValue, p.Correlation)
}

// Decode reads the payload's fields.
func (p *DecryptResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagCorrelationValue:
			p.Correlation = bytes.Clone(r.ByteString())
		}
	}
}
