package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// CreateRequest has the server make a symmetric key (KMIP 1.4, 4.1). The template
// has to give Cryptographic Algorithm, Length and Usage Mask.
type CreateRequest struct {
	ObjectType ObjectType
	Template   Template
	Protection ProtectionStorageMasks // since 2.0
}

// CreateResponse names the new object. Template holds what the server set of its
// own accord, and is nil where that is nothing.
type CreateResponse struct {
	ObjectType       ObjectType
	UniqueIdentifier string
	Template         *Template
}

// Operation is Create.
func (*CreateRequest) Operation() Operation { return OpCreate }

// Operation is Create.
func (*CreateResponse) Operation() Operation { return OpCreate }

// Encode appends the payload's fields.
func (p *CreateRequest) Encode(w *ttlv.Writer, v Version) {
	w.Enumeration(TagObjectType, uint32(p.ObjectType))
	p.Template.encode(w, v)
	p.Protection.encode(w, v)
}

// Decode reads the payload's fields.
func (p *CreateRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagObjectType:
			p.ObjectType = ObjectType(r.Enumeration())
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
func (p *CreateResponse) Encode(w *ttlv.Writer, v Version) {
	w.Enumeration(TagObjectType, uint32(p.ObjectType))
	writeID(w, p.UniqueIdentifier)
	encodeTemplate(w, v, p.Template)
}

// Decode reads the payload's fields.
func (p *CreateResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch asOf1(r.Tag()) {
		case TagObjectType:
			p.ObjectType = ObjectType(r.Enumeration())
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagTemplateAttribute:
			t := decodeTemplate(r)
			p.Template = &t
		}
	}
}
