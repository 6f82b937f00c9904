package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// RegisterRequest gives the server an object that the client made (KMIP 1.4,
// 4.3). The payload owns the object.
type RegisterRequest struct {
	ObjectType ObjectType
	Template   Template
	Protection ProtectionStorageMasks // since 2.0
	Object     Object
}

// RegisterResponse names the new object. Template holds what the server set of
// its own accord, and is nil where that is nothing.
type RegisterResponse struct {
	UniqueIdentifier string
	Template         *Template
}

// Operation is Register.
func (*RegisterRequest) Operation() Operation { return OpRegister }

// Operation is Register.
func (*RegisterResponse) Operation() Operation { return OpRegister }

// Encode appends the payload's fields.
func (p *RegisterRequest) Encode(w *ttlv.Writer, v Version) {
	w.Enumeration(TagObjectType, uint32(p.ObjectType))
	p.Template.encode(w, v)
	p.Object.Encode(w, v)
	p.Protection.encode(w, v)
}

// Decode reads the payload's fields.
func (p *RegisterRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch {
		case r.Tag() == TagObjectType:
			p.ObjectType = ObjectType(r.Enumeration())
		case asOf1(r.Tag()) == TagTemplateAttribute:
			p.Template = decodeTemplate(r)
		case r.Tag() == TagProtectionStorageMasks:
			p.Protection = decodeProtection(r)
		case isObject(r.Tag()):
			p.Object.Wipe()
			p.Object = decodeObject(r)
		default:
			r.Unexpected()
		}
	}
	if r.Err() != nil {
		return
	}
	if err := p.Object.check(); err != nil {
		r.Fail(err)
	} else if p.Object.Type != p.ObjectType {
		r.Fail(Errorf(ReasonInvalidField, "the Object Type is %s and the object a %s", p.ObjectType, p.Object.Type))
	}
}

// Encode appends the payload's fields.
func (p *RegisterResponse) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	encodeTemplate(w, v, p.Template)
}

// Decode reads the payload's fields.
func (p *RegisterResponse) Decode(r *ttlv.Reader) {
	p.UniqueIdentifier, p.Template = decodeNewObject(r)
}
