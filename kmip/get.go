package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// GetRequest asks for an object's content (KMIP 1.4, 4.11). KeyFormat of 0 takes
// the format that the object was registered with.
type GetRequest struct {
	UniqueIdentifier string
	KeyFormat        KeyFormatType
	// KeyWrapType says whether an object that was registered wrapped is wanted as it
	// is; since 1.4. 0 is as registered.
	KeyWrapType KeyWrapType
	// Wrapping asks for the key wrapped by another one.
	Wrapping *KeyWrappingSpecification
}

// GetResponse is the object. Its receiver owns and wipes the Object.
type GetResponse struct {
	ObjectType       ObjectType
	UniqueIdentifier string
	Object           Object
}

// Operation is Get.
func (*GetRequest) Operation() Operation { return OpGet }

// Operation is Get.
func (*GetResponse) Operation() Operation { return OpGet }

// Encode appends the payload's fields.
func (p *GetRequest) Encode(w *ttlv.Writer, v Version) {
	writeID(w, p.UniqueIdentifier)
	if p.KeyFormat != 0 {
		w.Enumeration(TagKeyFormatType, uint32(p.KeyFormat))
	}
	if p.KeyWrapType != 0 && v.AtLeast(V1_4) {
		w.Enumeration(TagKeyWrapType, uint32(p.KeyWrapType))
	}
	if p.Wrapping != nil {
		p.Wrapping.encode(w)
	}
}

// Decode reads the payload's fields. Compression is refused, not
// passed over: the client asked for the key in another form.
func (p *GetRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagKeyFormatType:
			p.KeyFormat = KeyFormatType(r.Enumeration())
		case TagKeyWrapType:
			p.KeyWrapType = KeyWrapType(r.Enumeration())
		case TagKeyCompressionType:
			r.Fail(Errorf(ReasonKeyCompressionTypeNotSupported, "compressed keys are not supported"))
		case TagKeyWrappingSpecification:
			p.Wrapping = decodeWrappingSpecification(r)
		default:
			r.Unexpected()
		}
	}
}

// Encode appends the payload's fields.
func (p *GetResponse) Encode(w *ttlv.Writer, v Version) {
	w.Enumeration(TagObjectType, uint32(p.ObjectType))
	writeID(w, p.UniqueIdentifier)
	p.Object.Encode(w, v)
}

// Decode reads the payload's fields.
func (p *GetResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch {
		case r.Tag() == TagObjectType:
			p.ObjectType = ObjectType(r.Enumeration())
		case r.Tag() == TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case isObject(r.Tag()):
			p.Object.Wipe()
			p.Object = decodeObject(r)
		}
	}
}
