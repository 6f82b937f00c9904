package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// ReKeyRequest has the server make a symmetric key that takes another one's place (KMIP 1.4,
// 4.4). Its attributes are those of the old key, but for what the template gives. An empty
// UniqueIdentifier is the ID Placeholder.
type ReKeyRequest struct {
	UniqueIdentifier string
	// Offset is from the new key's Initial Date to its Activation Date, in seconds; nil copies
	// the old key's dates.
	Offset     *uint32
	Template   Template
	Protection ProtectionStorageMasks // since 2.0
}

// ReKeyResponse names the new key. Template holds what the server set of its own accord, and
// is nil where that is nothing.
type ReKeyResponse struct {
	UniqueIdentifier string
	Template         *Template
}

// Operation is Re-key.
func (*ReKeyRequest) Operation() Operation { return OpReKey }

// Operation is Re-key.
func (*ReKeyResponse) Operation() Operation { return OpReKey }

// Encode appends the payload's fields.
func (p *ReKeyRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if p.Offset != nil {
		w.Interval(TagOffset, *p.Offset)
	}
	p.Template.encodeUnlessEmpty(w, TagTemplateAttribute, v)
	p.Protection.encode(w, v)
}

// Decode reads the payload's fields.
func (p *ReKeyRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagOffset:
			n := r.Interval()
			p.Offset = &n
		case TagTemplateAttribute:
			p.Template = decodeTemplate(r)
		case TagProtectionStorageMasks:
			p.Protection = decodeProtection(r)
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *ReKeyResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	encodeTemplate(w, v, p.Template)
}

// Decode reads the payload's fields.
func (p *ReKeyResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Template = decodeNewObject(r)
}
