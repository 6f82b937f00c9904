package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// CreateKeyPairRequest has the server make a private and a public key (KMIP 1.4, 4.2). What
// Common gives is for both; what the other two give goes before it. The algorithm and the
// length (or a curve in Cryptographic Domain Parameters) have to be in Common.
type CreateKeyPairRequest struct {
	Common, Private, Public Template
}

// CreateKeyPairResponse names the new objects. The templates hold what the server set of its
// own accord, and are nil where that is nothing.
type CreateKeyPairResponse struct {
	PrivateKey, PublicKey           string // their Unique Identifiers
	PrivateTemplate, PublicTemplate *Template
}

// Operation is Create Key Pair.
func (*CreateKeyPairRequest) Operation() Operation { return OpCreateKeyPair }

// Operation is Create Key Pair.
func (*CreateKeyPairResponse) Operation() Operation { return OpCreateKeyPair }

// Encode appends the payload's fields.
func (p *CreateKeyPairRequest) Encode(w *ttlv.Writer, v Version) {
	p.Common.encodeUnlessEmpty(w, TagCommonTemplateAttribute, v)
	p.Private.encodeUnlessEmpty(w, TagPrivateKeyTemplateAttribute, v)
	p.Public.encodeUnlessEmpty(w, TagPublicKeyTemplateAttribute, v)
}

// Decode reads the payload's fields.
func (p *CreateKeyPairRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagCommonTemplateAttribute:
			p.Common = decodeTemplate(r)
		case TagPrivateKeyTemplateAttribute:
			p.Private = decodeTemplate(r)
		case TagPublicKeyTemplateAttribute:
			p.Public = decodeTemplate(r)
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *CreateKeyPairResponse) Encode(w *ttlv.Writer, v Version) {
	w.TextString(TagPrivateKeyUniqueIdentifier, p.PrivateKey)
	w.TextString(TagPublicKeyUniqueIdentifier, p.PublicKey)
	encodeTemplateAs(w, TagPrivateKeyTemplateAttribute, v, p.PrivateTemplate)
	encodeTemplateAs(w, TagPublicKeyTemplateAttribute, v, p.PublicTemplate)
}

// Decode reads the payload's fields.
func (p *CreateKeyPairResponse) Decode(r *ttlv.Reader) {
	template := func() *Template {
		t := decodeTemplate(r)
		return &t
	}
	for r.Next() {
		switch r.Tag() {
		case TagPrivateKeyUniqueIdentifier:
			p.PrivateKey = r.TextString()
		case TagPublicKeyUniqueIdentifier:
			p.PublicKey = r.TextString()
		case TagPrivateKeyTemplateAttribute:
			p.PrivateTemplate = template()
		case TagPublicKeyTemplateAttribute:
			p.PublicTemplate = template()
		}
	}
}
