package keyserver

import (
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// parseAsymmetric reads a Private Key or a Public Key.
func parseAsymmetric(t kmip.ObjectType, f kmip.KeyFormatType, material *secret.Bytes) (*cryptography.Key, error) {
	if t == kmip.ObjectTypePrivateKey {
		return cryptography.ParsePrivateKey(f, material.Reveal())
	}
	return cryptography.ParsePublicKey(f, material.Reveal())
}

// convert gives a key the format that a client asks for. It takes the content over.
func convert(o *object.Object, format kmip.KeyFormatType, content *secret.Bytes) (*secret.Bytes, error) {
	if format == o.Content.Format || o.Type != kmip.ObjectTypePrivateKey && o.Type != kmip.ObjectTypePublicKey {
		return content, nil
	}
	defer content.Wipe()
	k, err := parseAsymmetric(o.Type, o.Content.Format, content)
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	return k.Marshal(format)
}

// checkAsymmetric reads the key that a client registers, compares it with what the key block
// and the attributes say, and completes the attributes. A key in the formats Opaque and Raw,
// and one for DSA, is kept as it is: it can be had again, and used for nothing here.
func checkAsymmetric(o *object.Object, b *kmip.KeyBlock) error {
	if b.Format == kmip.KeyFormatOpaque || b.Format == kmip.KeyFormatRaw || forDSA(o.Type, b.Format) {
		return checkAsGiven(o, b)
	}
	k, err := parseAsymmetric(o.Type, b.Format, b.Material)
	if err != nil {
		return err
	}
	defer k.Wipe()
	if b.Algorithm != 0 && !k.Is(b.Algorithm) || b.Length != 0 && b.Length != k.Bits() {
		return kmip.Errorf(kmip.ReasonInvalidField, "the key block says %s of %d bits, and the key is for %s, of %d", b.Algorithm, b.Length, k.Algorithm(), k.Bits())
	}
	return describe(o, k, b.Algorithm)
}

// describe compares the attributes of an object with its key, and completes them. as is the
// name that the client gives the algorithm, 0 for the key's own.
func describe(o *object.Object, k *cryptography.Key, as kmip.CryptographicAlgorithm) error {
	if as == 0 {
		as = k.Algorithm()
	}
	if alg, ok := o.Attributes.Get(kmip.AttrCryptographicAlgorithm); !ok {
		o.Attributes.Add(kmip.AttrCryptographicAlgorithm, ttlv.EnumerationValue(uint32(as)))
	} else if as = kmip.CryptographicAlgorithm(alg.Int); !k.Is(as) {
		return kmip.Errorf(kmip.ReasonInvalidField, "the Cryptographic Algorithm is %s, but the key is for %s", as, k.Algorithm())
	}
	if length, ok := o.Attributes.Get(kmip.AttrCryptographicLength); !ok {
		o.Attributes.Add(kmip.AttrCryptographicLength, ttlv.IntegerValue(k.Bits()))
	} else if int32(length.Int) != k.Bits() {
		return kmip.Errorf(kmip.ReasonInvalidField, "the Cryptographic Length is %d, but the key has %d bits", length.Int, k.Bits())
	}
	given, ok := o.Attributes.Get(kmip.AttrCryptographicDomain)
	switch d, err := kmip.ParseDomainParameters(given); {
	case !ok && k.Curve() != 0:
		o.Attributes.Add(kmip.AttrCryptographicDomain, kmip.DomainParameters{Curve: k.Curve()}.TTLV())
	case ok && (err != nil || d.Curve != k.Curve()):
		return kmip.Errorf(kmip.ReasonInvalidField, "the Recommended Curve is %s, but that of the key is %s", d.Curve, k.Curve())
	}
	o.Content.Algorithm, o.Content.Length = as, k.Bits()
	needMask(o)
	return nil
}

// checkCertificate completes the attributes from the certificate. One for PGP is kept as it
// is.
func checkCertificate(o *object.Object, value *secret.Bytes) error {
	own := kmip.Attributes{}
	switch o.Content.CertificateType {
	case kmip.CertificateX509:
		var err error
		if own, err = cryptography.CertificateAttributes(value.Reveal()); err != nil {
			return err
		}
	case kmip.CertificatePGP:
		own.Add(kmip.AttrCertificateType, ttlv.EnumerationValue(uint32(kmip.CertificatePGP)))
		own.Add(kmip.AttrCertificateLength, ttlv.IntegerValue(int32(value.Len())))
	default:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Certificate Type %s is unknown", o.Content.CertificateType)
	}
	all := slices.Clone(o.Attributes)
	for _, a := range own {
		given := all.All(a.Name)
		switch {
		case len(given) == 0:
			o.Attributes.Add(a.Name, a.Value)
		case !slices.ContainsFunc(given, a.Value.Equal):
			return kmip.Errorf(kmip.ReasonInvalidField, "the attribute %s is not what the certificate says", a.Name)
		}
	}
	needMask(o)
	return nil
}

// forDSA says whether a format is the transparent one of DSA for such a key.
func forDSA(t kmip.ObjectType, f kmip.KeyFormatType) bool {
	return t == kmip.ObjectTypePrivateKey && f == kmip.KeyFormatTransparentDSAPrivateKey || t == kmip.ObjectTypePublicKey && f == kmip.KeyFormatTransparentDSAPublicKey
}

// checkDSA says whether the material has the numbers of a key for DSA.
func checkDSA(t kmip.ObjectType, b *kmip.KeyBlock) error {
	own := kmip.TagY
	if t == kmip.ObjectTypePrivateKey {
		own = kmip.TagX
	}
	missing := []ttlv.Tag{kmip.TagP, kmip.TagQ, kmip.TagG, own}
	r := ttlv.NewFieldsReader(b.Material.Reveal())
	for r.Next() {
		i := slices.Index(missing, r.Tag())
		if i < 0 {
			r.Unexpected()
			break
		}
		_ = r.BigInteger()
		missing = slices.Delete(missing, i, i+1)
	}
	if r.Err() != nil || len(missing) > 0 || b.Algorithm != 0 && b.Algorithm != kmip.AlgorithmDSA {
		return kmip.Errorf(kmip.ReasonInvalidField, "the Key Material is not that of a %s for DSA", t)
	}
	return nil
}

// checkAsGiven is for keys that this server keeps without reading them.
func checkAsGiven(o *object.Object, b *kmip.KeyBlock) error {
	switch {
	case b.Format == kmip.KeyFormatOpaque || b.Format == kmip.KeyFormatRaw:
	case forDSA(o.Type, b.Format):
		if err := checkDSA(o.Type, b); err != nil {
			return err
		}
	case o.Type != kmip.ObjectTypeSplitKey && o.Type != kmip.ObjectTypePGPKey || b.Format.Transparent():
		return kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s is not supported", o.Type, b.Format)
	}
	if s := o.Content.Split; o.Type == kmip.ObjectTypeSplitKey && (s.Parts < 2 || s.Threshold < 2 || s.Threshold > s.Parts || s.Identifier < 1 || s.Identifier > s.Parts) {
		return kmip.Errorf(kmip.ReasonInvalidField, "a Split Key of %d parts, part %d, of which %d make the key, cannot be", s.Parts, s.Identifier, s.Threshold)
	}
	if b.Material.Len() == 0 {
		return kmip.Errorf(kmip.ReasonInvalidField, "the key is empty")
	}
	for _, a := range []struct {
		name  string
		value ttlv.Value
		set   bool
	}{
		{kmip.AttrCryptographicAlgorithm, ttlv.EnumerationValue(uint32(b.Algorithm)), b.Algorithm != 0},
		{kmip.AttrCryptographicLength, ttlv.IntegerValue(b.Length), b.Length != 0},
	} {
		given, ok := o.Attributes.Get(a.name)
		switch {
		case a.set && !ok:
			o.Attributes.Add(a.name, a.value)
		case a.set && !given.Equal(a.value):
			return kmip.Errorf(kmip.ReasonInvalidField, "the key block and the attribute %s contradict each other", a.name)
		}
	}
	needMask(o)
	return nil
}

// needMask gives the object a usage mask, which always has a value (KMIP 1.4, 3.19); some
// clients send none.
func needMask(o *object.Object) {
	if _, ok := o.Attributes.Get(kmip.AttrCryptographicUsageMask); !ok {
		o.Attributes.Add(kmip.AttrCryptographicUsageMask, ttlv.IntegerValue(0))
	}
}
