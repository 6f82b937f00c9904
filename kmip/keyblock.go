package kmip

import (
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// KeyBlock is key material and what it is (KMIP 1.4, 2.1.3).
type KeyBlock struct {
	Format KeyFormatType
	// Material is the bytes of the key. In the transparent formats of asymmetric keys it is
	// the encoded fields of the Key Material structure.
	Material  *secret.Bytes
	Algorithm CryptographicAlgorithm // 0 where unknown, as in most Secret Data
	Length    int32                  // in bits; 0 where unknown
	// Attributes that are kept inside the Key Value, seldom used.
	Attributes Attributes
	// Wrapping says how the key is wrapped; Material is the wrapped Key Value then.
	Wrapping *KeyWrappingData
}

func (k *KeyBlock) encode(w *ttlv.Writer, v Version) {
	m := w.Begin(TagKeyBlock)
	w.Enumeration(TagKeyFormatType, uint32(k.Format))
	if k.Wrapping != nil {
		w.ByteString(TagKeyValue, k.Material.Reveal())
	} else {
		k.encodeValue(w, v)
	}
	if k.Algorithm != 0 {
		w.Enumeration(TagCryptographicAlgorithm, uint32(k.Algorithm))
	}
	if k.Length != 0 {
		w.Integer(TagCryptographicLength, k.Length)
	}
	if k.Wrapping != nil {
		k.Wrapping.Encode(w, v)
	}
	w.End(m)
}

func (k *KeyBlock) encodeValue(w *ttlv.Writer, v Version) {
	kv := w.Begin(TagKeyValue)
	if k.Format == KeyFormatTransparentSymmetricKey {
		km := w.Begin(TagKeyMaterial)
		w.ByteString(TagKey, k.Material.Reveal())
		w.End(km)
	} else if k.Format.hasFields() {
		km := w.Begin(TagKeyMaterial)
		w.Fields(k.Material.Reveal())
		w.End(km)
	} else {
		w.ByteString(TagKeyMaterial, k.Material.Reveal())
	}
	switch {
	case len(k.Attributes) == 0:
	case v.Major >= 2:
		k.Attributes.encodeIn(w, TagAttributes, v)
	default:
		k.Attributes.encode(w, v)
	}
	w.End(kv)
}

// keyNotCompressed is the Key Compression Type of a plain key (KMIP 1.4, 9.1.3.2.2). It
// is for points of elliptic curves; Percona Server for MongoDB before 5.0.17 and 6.0.6
// gave it to its AES keys.
const keyNotCompressed = 1

func decodeKeyBlock(r *ttlv.Reader) (k KeyBlock) {
	wrapped, fields := false, false
	for s := r.Structure(); s.Next(); {
		switch s.Tag() {
		case TagKeyFormatType:
			k.Format = KeyFormatType(s.Enumeration())
		case TagKeyValue:
			if wrapped = s.Type() == ttlv.ByteString; wrapped {
				k.Material.Wipe()
				k.Material = secret.Copy(s.ByteString())
			} else {
				fields = k.decodeFields(s.Structure())
			}
		case TagCryptographicAlgorithm:
			k.Algorithm = CryptographicAlgorithm(s.Enumeration())
		case TagCryptographicLength:
			k.Length = s.Integer()
		case TagKeyWrappingData:
			k.Wrapping = DecodeKeyWrappingData(s)
		case TagKeyCompressionType:
			if s.Enumeration() != keyNotCompressed {
				s.Fail(Errorf(ReasonKeyCompressionTypeNotSupported, "compressed keys are not supported"))
			}
		default:
			s.Unexpected()
		}
	}
	if wrapped != (k.Wrapping != nil) {
		r.Fail(fmt.Errorf("%w: a Key Value is bytes if there is Key Wrapping Data, and a structure if not", ttlv.ErrField))
	}
	if !wrapped && k.Material != nil && fields != k.Format.hasFields() { // the bytes of one are not those of the other
		r.Fail(Errorf(ReasonKeyFormatTypeNotSupported, "the Key Material does not have the form of its Key Format Type"))
	}
	return k
}

// hasFields says whether the material of this format is a structure of more than a Key.
func (f KeyFormatType) hasFields() bool {
	return f.Transparent() && f != KeyFormatTransparentSymmetricKey
}

// Transparent says whether the material of this format is a structure (KMIP 1.4, 2.1.7).
func (f KeyFormatType) Transparent() bool {
	return f >= KeyFormatTransparentSymmetricKey && f <= KeyFormatTransparentECPublicKey
}

// decodeFields reads the fields of a Key Value, whose material is bytes, or a structure in the
// transparent formats. It returns whether the material is the fields of such a structure.
func (k *KeyBlock) decodeFields(s *ttlv.Reader) (fields bool) {
	for s.Next() {
		switch {
		case s.Tag() == TagAttribute && s.Edition() < 2:
			k.Attributes = append(k.Attributes, decodeAttribute(s))
		case s.Tag() == TagAttributes && s.Edition() >= 2:
			k.Attributes = decodeAttributes(s, true)
		case s.Tag() != TagKeyMaterial:
			s.Unexpected()
		case s.Type() == ttlv.ByteString:
			k.Material.Wipe()
			k.Material, fields = secret.Copy(s.ByteString()), false
		case k.Format.hasFields():
			k.Material.Wipe()
			k.Material, fields = secret.Copy(s.Fields()), true
		default:
			for m := s.Structure(); m.Next(); {
				if m.Tag() != TagKey {
					m.Fail(Errorf(ReasonKeyFormatTypeNotSupported, "key material with %s is not supported", NameOfTag(m.Tag())))
					break
				}
				k.Material.Wipe()
				k.Material, fields = secret.Copy(m.ByteString()), false
			}
		}
	}
	return fields
}
