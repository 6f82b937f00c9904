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
	AdditionalData   []byte // since 1.4: authenticated with the data
}

// EncryptResponse is the result. Its receiver owns and wipes Data.
type EncryptResponse struct {
	UniqueIdentifier string
	Data             *secret.Bytes
	IV               []byte // that the server has made; nil if the request had one
	Tag              []byte // since 1.4, of authenticated encryption
}

// Operation is Encrypt.
func (*EncryptRequest) Operation() Operation { return OpEncrypt }

// Operation is Encrypt.
func (*EncryptResponse) Operation() Operation { return OpEncrypt }

// Encode appends the payload's fields. Those of authenticated encryption are sent at any
// version when they are set: a server that cannot read them has to refuse, since without
// them it would do something else.
func (p *EncryptRequest) Encode(w *ttlv.Writer, v Version) {
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
}

// Decode reads the payload's fields. Data in several parts is refused.
func (p *EncryptRequest) Decode(r *ttlv.Reader) {
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
		default:
			inParts(r)
		}
	}
}

// inParts refuses what belongs to data in several requests, and takes the word for data
// in one.
func inParts(r *ttlv.Reader) {
	switch r.Tag() {
	case TagInitIndicator, TagFinalIndicator:
		if r.Boolean() {
			return // the first part, and the last
		}
	case TagCorrelationValue:
	default:
		r.Unexpected()
		return
	}
	r.Fail(Errorf(ReasonFeatureNotSupported, "data in several parts is not supported: send it in one request"))
}

// Encode appends the payload's fields.
func (p *EncryptResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	w.ByteString(TagData, p.Data.Reveal())
	if p.IV != nil {
		w.ByteString(TagIVCounterNonce, p.IV)
	}
	if p.Tag != nil && v.AtLeast(V1_4) {
		w.ByteString(TagAuthenticatedEncryptionTag, p.Tag)
	}
}

// Decode reads the payload's fields.
func (p *EncryptResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = r.TextString()
		case TagData:
			p.Data.Wipe()
			p.Data = secret.Copy(r.ByteString())
		case TagIVCounterNonce:
			p.IV = bytes.Clone(r.ByteString())
		case TagAuthenticatedEncryptionTag:
			p.Tag = bytes.Clone(r.ByteString())
		}
	}
}
