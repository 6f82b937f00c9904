package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ReKeyKeyPairRequest has the server make a key pair that takes another one's place (KMIP
// 1.4, 4.5). The attributes are those of the old keys, but for what the templates give, as in
// CreateKeyPairRequest. An empty PrivateKey is the ID Placeholder.
type ReKeyKeyPairRequest struct {
	PrivateKey string // the Unique Identifier; the public key is the one that it has a Link to
	// Offset is from the new keys' Initial Date to their Activation Date, in seconds; nil
	// copies the old keys' dates.
	Offset                  *uint32
	Common, Private, Public Template
}

// ReKeyKeyPairResponse names the new keys. The templates hold what the server set of its own
// accord, and are nil where that is nothing.
type ReKeyKeyPairResponse struct {
	PrivateKey, PublicKey           string // their Unique Identifiers
	PrivateTemplate, PublicTemplate *Template
}

// Operation is Re-key Key Pair.
func (*ReKeyKeyPairRequest) Operation() Operation { return OpReKeyKeyPair }

// Operation is Re-key Key Pair.
func (*ReKeyKeyPairResponse) Operation() Operation { return OpReKeyKeyPair }

// Encode appends the payload's fields.
func (p *ReKeyKeyPairRequest) Encode(w *ttlv.Writer, v Version) {
	if p.PrivateKey != "" {
		w.TextString(TagPrivateKeyUniqueIdentifier, p.PrivateKey)
	}
	if p.Offset != nil {
		w.Interval(TagOffset, *p.Offset)
	}
	p.Common.encodeUnlessEmpty(w, TagCommonTemplateAttribute, v)
	p.Private.encodeUnlessEmpty(w, TagPrivateKeyTemplateAttribute, v)
	p.Public.encodeUnlessEmpty(w, TagPublicKeyTemplateAttribute, v)
}

// Decode reads the payload's fields.
func (p *ReKeyKeyPairRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagPrivateKeyUniqueIdentifier:
			p.PrivateKey = readUID(r)
		case TagOffset:
			n := r.Interval()
			p.Offset = &n
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

// pair is what the answer to Create Key Pair has, too.
func (p *ReKeyKeyPairResponse) pair() *CreateKeyPairResponse { return (*CreateKeyPairResponse)(p) }

// Encode appends the payload's fields.
func (p *ReKeyKeyPairResponse) Encode(w *ttlv.Writer, v Version) { p.pair().Encode(w, v) }

// Decode reads the payload's fields.
func (p *ReKeyKeyPairResponse) Decode(r *ttlv.Reader) { p.pair().Decode(r) }
