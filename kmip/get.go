package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// GetRequest asks for an object's content (KMIP 1.4, 4.11). KeyFormat of 0 takes
// the format that the object was registered with.
type GetRequest struct {
	UniqueIdentifier string
	KeyFormat        KeyFormatType
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
func (p *GetRequest) Encode(w *ttlv.Writer, _ Version) {
	writeID(w, p.UniqueIdentifier)
	if p.KeyFormat != 0 {
		w.Enumeration(TagKeyFormatType, uint32(p.KeyFormat))
	}
}

// Decode reads the payload's fields. Wrapping and compression are refused, not
// passed over: the client asked for the key in another form.
func (p *GetRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagUniqueIdentifier:
			p.UniqueIdentifier = readUID(r)
		case TagKeyFormatType:
			p.KeyFormat = KeyFormatType(r.Enumeration())
		case TagKeyWrapType:
			if r.Enumeration() != keyNotWrapped {
				r.Fail(Errorf(ReasonFeatureNotSupported, "wrapped keys are not supported"))
			}
		case TagKeyCompressionType:
			r.Fail(Errorf(ReasonKeyCompressionTypeNotSupported, "compressed keys are not supported"))
		case TagKeyWrappingSpecification:
			r.Fail(Errorf(ReasonFeatureNotSupported, "wrapped keys are not supported"))
		default:
			r.Unexpected()
		}
	}
}

// keyNotWrapped is the Key Wrap Type that asks for a plain key (KMIP 1.4, 9.1.3.2.45).
const keyNotWrapped = 1

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
