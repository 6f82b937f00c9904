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
	AdditionalData   []byte // since 1.4: authenticated with the data
	Tag              []byte // since 1.4, of authenticated encryption
}

// DecryptResponse is the result. Its receiver owns and wipes Data.
type DecryptResponse struct {
	UniqueIdentifier string
	Data             *secret.Bytes
}

// Operation is Decrypt.
func (*DecryptRequest) Operation() Operation { return OpDecrypt }

// Operation is Decrypt.
func (*DecryptResponse) Operation() Operation { return OpDecrypt }

// Encode appends the payload's fields. Those of authenticated encryption are sent at any
// version when they are set: a server that cannot read them has to refuse, since without
// them it would do something else.
func (p *DecryptRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Parameters != nil {
		p.Parameters.encode(w, v)
	}
	w.ByteString(TagData, p.Data.Reveal())
	if p.IV != nil {
		w.ByteString(TagIVCounterNonce, p.IV)
	}
	if p.AdditionalData != nil {
		w.ByteString(TagAuthenticatedEncryptionAdditionalData, p.AdditionalData)
	}
	if p.Tag != nil {
		w.ByteString(TagAuthenticatedEncryptionTag, p.Tag)
	}
}

// Decode reads the payload's fields. Data in several parts is refused.
func (p *DecryptRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = r.TextString()
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
			inParts(r)
		}
	}
}

// Encode appends the payload's fields.
func (p *DecryptResponse) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	w.ByteString(TagData, p.Data.Reveal())
}

// Decode reads the payload's fields.
func (p *DecryptResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = r.TextString()
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		}
	}
}
