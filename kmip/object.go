package kmip

import (
	"bytes"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Object is the content of a managed object (KMIP 1.4, 2.2). The owner of an Object wipes it.
type Object struct {
	Type ObjectType

	// KeyBlock holds all but a Certificate and an Opaque Object.
	KeyBlock KeyBlock
	// SecretDataType is a Secret Data's kind.
	SecretDataType SecretDataType

	// CertificateType and CertificateValue are a Certificate.
	CertificateType  CertificateType
	CertificateValue *secret.Bytes

	// Split says which part of a key a Split Key is.
	Split SplitKey
	// PGPKeyVersion is that of a PGP Key.
	PGPKeyVersion int32

	// OpaqueDataType and OpaqueData are an Opaque Object. The types are the
	// vendors' own, 0x80000000 and above.
	OpaqueDataType uint32
	OpaqueData     *secret.Bytes

	// TemplateAttributes are a Template: attributes for other objects. 2.x has no Templates.
	TemplateAttributes Attributes
}

// SplitKey says which part of a key it is that a Split Key holds (KMIP 1.4, 2.2.5).
type SplitKey struct {
	Parts          int32
	Identifier     int32 // of this part
	Threshold      int32 // how many parts make the key
	Method         SplitKeyMethod
	PrimeFieldSize []byte // a Big Integer; nil where the method has none
}

// SymmetricKey returns a raw key for the algorithm.
func SymmetricKey(alg CryptographicAlgorithm, material *secret.Bytes) Object {
	return Object{Type: ObjectTypeSymmetricKey, KeyBlock: KeyBlock{
		Format: KeyFormatRaw, Material: material, Algorithm: alg, Length: int32(material.Len() * 8),
	}}
}

// SecretData returns a secret that is no key of a known algorithm.
func SecretData(typ SecretDataType, format KeyFormatType, material *secret.Bytes) Object {
	return Object{Type: ObjectTypeSecretData, SecretDataType: typ, KeyBlock: KeyBlock{Format: format, Material: material}}
}

// OpaqueObject returns bytes that the key server does not look at.
func OpaqueObject(typ uint32, data *secret.Bytes) Object {
	return Object{Type: ObjectTypeOpaqueObject, OpaqueDataType: typ, OpaqueData: data}
}

// Content returns the secret bytes, whatever the object's type; nil for a Template.
func (o *Object) Content() *secret.Bytes {
	switch o.Type {
	case ObjectTypeOpaqueObject:
		return o.OpaqueData
	case ObjectTypeCertificate:
		return o.CertificateValue
	}
	return o.KeyBlock.Material
}

// Wipe wipes the secret bytes.
func (o *Object) Wipe() { o.Content().Wipe() }

// Encode appends the object. A type that this package does not encode is left out.
func (o *Object) Encode(w *ttlv.Writer, v Version) {
	tag := objectTag(o.Type)
	if tag == 0 || o.Type == ObjectTypeTemplate && v.Major >= 2 {
		return
	}
	m := w.Begin(tag)
	defer w.End(m)
	switch o.Type {
	case ObjectTypeOpaqueObject:
		w.Enumeration(TagOpaqueDataType, o.OpaqueDataType)
		w.ByteString(TagOpaqueDataValue, o.OpaqueData.Reveal())
		return
	case ObjectTypeTemplate:
		o.TemplateAttributes.encode(w, v)
		return
	case ObjectTypeCertificate:
		w.Enumeration(TagCertificateType, uint32(o.CertificateType))
		w.ByteString(TagCertificateValue, o.CertificateValue.Reveal())
		return
	case ObjectTypeSecretData:
		w.Enumeration(TagSecretDataType, uint32(o.SecretDataType))
	case ObjectTypePGPKey:
		w.Integer(TagPGPKeyVersion, o.PGPKeyVersion)
	case ObjectTypeSplitKey:
		w.Integer(TagSplitKeyParts, o.Split.Parts)
		w.Integer(TagKeyPartIdentifier, o.Split.Identifier)
		w.Integer(TagSplitKeyThreshold, o.Split.Threshold)
		w.Enumeration(TagSplitKeyMethod, uint32(o.Split.Method))
		if o.Split.PrimeFieldSize != nil {
			w.BigInteger(TagPrimeFieldSize, o.Split.PrimeFieldSize)
		}
	}
	o.KeyBlock.encode(w, v)
}

// objectTag gives the structure that holds an object, 0 for a type that this package lacks.
func objectTag(t ObjectType) ttlv.Tag {
	switch t {
	case ObjectTypeSymmetricKey:
		return TagSymmetricKey
	case ObjectTypeSecretData:
		return TagSecretData
	case ObjectTypeOpaqueObject:
		return TagOpaqueObject
	case ObjectTypeCertificate:
		return TagCertificate
	case ObjectTypePublicKey:
		return TagPublicKey
	case ObjectTypePrivateKey:
		return TagPrivateKey
	case ObjectTypeSplitKey:
		return TagSplitKey
	case ObjectTypePGPKey:
		return TagPGPKey
	case ObjectTypeTemplate:
		return TagTemplate
	}
	return 0
}

// isObject says whether a tag is one of the objects of KMIP 1.4, 2.2.
func isObject(tag ttlv.Tag) bool {
	switch tag {
	case TagSymmetricKey, TagSecretData, TagOpaqueObject, TagCertificate, TagPublicKey, TagPrivateKey, TagSplitKey, TagTemplate, TagPGPKey:
		return true
	}
	return false
}

// decodeObject reads the current field, for which isObject holds.
func decodeObject(r *ttlv.Reader) (o Object) {
	for t := ObjectTypeCertificate; t <= ObjectTypePGPKey; t++ {
		if objectTag(t) == r.Tag() {
			o.Type = t
		}
	}
	if o.Type == 0 || o.Type == ObjectTypeTemplate && r.Edition() >= 2 {
		r.Fail(Errorf(ReasonFeatureNotSupported, "objects of type %s are not supported", NameOfTag(r.Tag())))
		return o
	}
	for s := r.Structure(); s.Next(); {
		if (s.Tag() == TagAttribute) != (o.Type == ObjectTypeTemplate) {
			s.Unexpected()
			break
		}
		switch s.Tag() {
		case TagSecretDataType:
			o.SecretDataType = SecretDataType(s.Enumeration())
		case TagKeyBlock:
			o.KeyBlock = decodeKeyBlock(s)
		case TagOpaqueDataType:
			o.OpaqueDataType = s.Enumeration()
		case TagOpaqueDataValue:
			o.OpaqueData.Wipe()
			o.OpaqueData = secret.Copy(s.ByteString())
		case TagCertificateType:
			o.CertificateType = CertificateType(s.Enumeration())
		case TagCertificateValue:
			o.CertificateValue.Wipe()
			o.CertificateValue = secret.Copy(s.ByteString())
		case TagAttribute:
			o.TemplateAttributes = append(o.TemplateAttributes, decodeAttribute(s))
		case TagPGPKeyVersion:
			o.PGPKeyVersion = s.Integer()
		case TagSplitKeyParts:
			o.Split.Parts = s.Integer()
		case TagKeyPartIdentifier:
			o.Split.Identifier = s.Integer()
		case TagSplitKeyThreshold:
			o.Split.Threshold = s.Integer()
		case TagSplitKeyMethod:
			o.Split.Method = SplitKeyMethod(s.Enumeration())
		case TagPrimeFieldSize:
			o.Split.PrimeFieldSize = bytes.Clone(s.BigInteger())
		default:
			s.Unexpected()
		}
	}
	return o
}

// check says what is missing from an object that a client sent.
func (o *Object) check() error {
	switch {
	case o.Type == 0:
		return fmt.Errorf("%w: there is no object", ttlv.ErrField)
	case o.Content() == nil && o.Type != ObjectTypeTemplate:
		return fmt.Errorf("%w: the %s has no content", ttlv.ErrField, o.Type)
	}
	return nil
}
