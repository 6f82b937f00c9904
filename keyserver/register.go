package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// register takes an object that the client made (KMIP 1.4, 4.3). What the key
// block says of algorithm and length becomes attributes, and must not contradict
// those that are given.
func (s *Server) register(r *request, p *kmip.RegisterRequest) (*kmip.RegisterResponse, error) {
	if err := s.useTemplates(r, &p.Template); err != nil {
		return nil, err
	}
	if err := checkProtection(p.Protection); err != nil {
		return nil, err
	}
	o, err := object.New(p.ObjectType, p.Template.Attributes, r.now)
	if err != nil {
		return nil, err
	}
	b := &p.Object.KeyBlock
	if f := o.Content.Format; f != 0 && f != b.Format {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Key Format Type of the attribute is %s, that of the key block %s", f, b.Format)
	}
	o.Content = object.Content{
		Format: b.Format, Algorithm: b.Algorithm, Length: b.Length, Attributes: b.Attributes,
		SecretDataType: p.Object.SecretDataType, OpaqueDataType: p.Object.OpaqueDataType,
		CertificateType: p.Object.CertificateType, Split: p.Object.Split, PGPKeyVersion: p.Object.PGPKeyVersion,
	}
	switch {
	case o.Type == kmip.ObjectTypeTemplate:
		err = checkTemplate(o, p.Object.TemplateAttributes, r.now)
	case b.Wrapping != nil:
		err = s.checkWrapped(r, o, b)
	case o.Type == kmip.ObjectTypeOpaqueObject:
	case o.Type == kmip.ObjectTypeCertificate:
		err = checkCertificate(o, p.Object.CertificateValue)
	default:
		err = checkPlain(o, b)
	}
	if err != nil {
		return nil, err
	}
	if err := s.insert(r, o, p.Object.Content()); err != nil {
		return nil, err
	}
	return &kmip.RegisterResponse{UniqueIdentifier: o.ID}, nil
}

// checkPlain looks at a key that is not wrapped.
func checkPlain(o *object.Object, b *kmip.KeyBlock) error {
	switch o.Type {
	case kmip.ObjectTypePrivateKey, kmip.ObjectTypePublicKey:
		return checkAsymmetric(o, b)
	case kmip.ObjectTypeSplitKey, kmip.ObjectTypePGPKey:
		return checkAsGiven(o, b)
	}
	return checkKeyBlock(o, b)
}

// checkKeyBlock compares a key block with the object's attributes and completes
// them from one another.
func checkKeyBlock(o *object.Object, b *kmip.KeyBlock) error {
	if !canConvert(o.Type, b.Format) {
		return kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s is not supported", o.Type, b.Format)
	}
	alg, hasAlg := o.Attributes.Get(kmip.AttrCryptographicAlgorithm)
	if hasAlg && b.Algorithm != 0 && kmip.CryptographicAlgorithm(alg.Int) != b.Algorithm {
		return kmip.Errorf(kmip.ReasonInvalidField, "the Cryptographic Algorithm of the attribute is %s, that of the key block %s", kmip.CryptographicAlgorithm(alg.Int), b.Algorithm)
	}
	bits := int32(b.Material.Len() * 8)
	fits := func(length int32) bool {
		without := kmip.CryptographicAlgorithm(alg.Int) == kmip.AlgorithmTripleDES || b.Algorithm == kmip.AlgorithmTripleDES
		return length == bits || without && (bits == 128 || bits == 192) && length == bits/8*7 // no parity bits
	}
	if b.Length != 0 && !fits(b.Length) {
		return kmip.Errorf(kmip.ReasonInvalidField, "the key block says %d bits and has %d", b.Length, bits)
	}
	length, hasLength := o.Attributes.Get(kmip.AttrCryptographicLength)
	if hasLength && !fits(int32(length.Int)) {
		return kmip.Errorf(kmip.ReasonInvalidField, "the Cryptographic Length is %d, but the key has %d bits", length.Int, bits)
	}
	if o.Type == kmip.ObjectTypeSymmetricKey {
		if bits == 0 {
			return kmip.Errorf(kmip.ReasonInvalidField, "the key is empty")
		}
		if !hasAlg && b.Algorithm == 0 {
			return kmip.Errorf(kmip.ReasonMissingData, "Register of a Symmetric Key needs its Cryptographic Algorithm")
		}
		if hasAlg {
			o.Content.Algorithm = kmip.CryptographicAlgorithm(alg.Int)
		}
		switch {
		case hasLength:
			o.Content.Length = int32(length.Int)
		case b.Length == 0:
			o.Content.Length = bits
		}
	}
	if !hasAlg && b.Algorithm != 0 {
		o.Attributes.Add(kmip.AttrCryptographicAlgorithm, ttlv.EnumerationValue(uint32(b.Algorithm)))
	}
	if !hasLength && o.Content.Length != 0 {
		o.Attributes.Add(kmip.AttrCryptographicLength, ttlv.IntegerValue(o.Content.Length))
	}
	needMask(o)
	return nil
}
