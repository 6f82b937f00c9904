package cryptography

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"math/big"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Key is an asymmetric key: a private one has both halves. Go keeps its numbers in
// memory of its own; Wipe clears those that can be reached.
type Key struct {
	private any // *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey; nil in a public key
	public  any // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey
}

const (
	// maxKeyBlock is the longest key that is read, in bytes: long numbers take long.
	maxKeyBlock = 16 << 10
	// maxModulus is the longest RSA modulus that is taken, in bits.
	maxModulus = 8192
	// minModulus is the shortest: Go computes with no shorter one.
	minModulus = 1024
)

func unsupported(t kmip.ObjectType, f kmip.KeyFormatType) error {
	return kmip.Errorf(kmip.ReasonKeyFormatTypeNotSupported, "a %s in the format %s is not supported", t, f)
}

// ParsePrivateKey reads a private key. The material stays the caller's.
func ParsePrivateKey(f kmip.KeyFormatType, material []byte) (*Key, error) {
	if len(material) > maxKeyBlock {
		return nil, invalid("the key has more than %d bytes", maxKeyBlock)
	}
	var private any
	var err error
	switch f {
	case kmip.KeyFormatPKCS1:
		private, err = x509.ParsePKCS1PrivateKey(material)
	case kmip.KeyFormatPKCS8:
		private, err = x509.ParsePKCS8PrivateKey(material)
	case kmip.KeyFormatECPrivateKey:
		private, err = x509.ParseECPrivateKey(material)
	case kmip.KeyFormatTransparentRSAPrivateKey:
		private, err = parseTransparentRSA(material)
	case kmip.KeyFormatTransparentECPrivateKey, kmip.KeyFormatTransparentECDSAPrivateKey, kmip.KeyFormatTransparentECDHPrivateKey:
		private, err = parseTransparentEC(material)
	default:
		return nil, unsupported(kmip.ObjectTypePrivateKey, f)
	}
	if err != nil || !f.Transparent() && !isWhole(material) { // its text could tell of the key
		return nil, invalid("the key material is no private key in the format %s", f)
	}
	k := &Key{private: private}
	switch p := private.(type) {
	case *rsa.PrivateKey:
		k.public = &p.PublicKey
	case *ecdsa.PrivateKey:
		k.public = &p.PublicKey
	case ed25519.PrivateKey:
		k.public = p.Public()
	}
	return k, k.check()
}

// isWhole says whether nothing follows what is in DER: Go reads over it.
func isWhole(der []byte) bool {
	var outer asn1.RawValue
	rest, err := asn1.Unmarshal(der, &outer)
	return err == nil && len(rest) == 0
}

// ParsePublicKey reads a public key.
func ParsePublicKey(f kmip.KeyFormatType, material []byte) (*Key, error) {
	if len(material) > maxKeyBlock {
		return nil, invalid("the key has more than %d bytes", maxKeyBlock)
	}
	k := &Key{}
	var err error
	switch f {
	case kmip.KeyFormatPKCS1:
		k.public, err = x509.ParsePKCS1PublicKey(material)
	case kmip.KeyFormatX509:
		k.public, err = x509.ParsePKIXPublicKey(material)
	case kmip.KeyFormatTransparentRSAPublicKey:
		k.public, err = parseTransparentRSAPublic(material)
	case kmip.KeyFormatTransparentECPublicKey, kmip.KeyFormatTransparentECDSAPublicKey, kmip.KeyFormatTransparentECDHPublicKey:
		k.public, err = parseTransparentECPublic(material)
	default:
		return nil, unsupported(kmip.ObjectTypePublicKey, f)
	}
	if err != nil {
		return nil, invalid("the key material is no public key in the format %s", f)
	}
	return k, k.check()
}

func (k *Key) check() error {
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < minModulus || n > maxModulus {
			return invalid("an RSA key of %d bits is not supported: %d to %d are", n, minModulus, maxModulus)
		}
		return nil
	case *ecdsa.PublicKey:
		if curveOf(p.Curve) == 0 {
			return invalid("the elliptic curve %s is not supported", p.Curve.Params().Name)
		}
		return nil
	case ed25519.PublicKey:
		return nil
	}
	return invalid("the key is for an algorithm that is not supported")
}

// Marshal returns the private half of a private key, or a public key, in a format.
func (k *Key) Marshal(f kmip.KeyFormatType) (*secret.Bytes, error) {
	if k.private == nil {
		return k.marshalPublic(f)
	}
	var der []byte
	var err error
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		switch f {
		case kmip.KeyFormatPKCS1:
			return secret.Take(x509.MarshalPKCS1PrivateKey(p)), nil
		case kmip.KeyFormatTransparentRSAPrivateKey:
			return transparentRSA(p), nil
		}
	case *ecdsa.PrivateKey:
		switch f {
		case kmip.KeyFormatECPrivateKey:
			der, err = x509.MarshalECPrivateKey(p)
			return secret.Take(der), err
		case kmip.KeyFormatTransparentECPrivateKey, kmip.KeyFormatTransparentECDSAPrivateKey, kmip.KeyFormatTransparentECDHPrivateKey:
			return transparentEC(p)
		}
	}
	if f != kmip.KeyFormatPKCS8 {
		return nil, unsupported(kmip.ObjectTypePrivateKey, f)
	}
	der, err = x509.MarshalPKCS8PrivateKey(k.private)
	return secret.Take(der), err
}

func (k *Key) marshalPublic(f kmip.KeyFormatType) (*secret.Bytes, error) {
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		switch f {
		case kmip.KeyFormatPKCS1:
			return secret.Copy(x509.MarshalPKCS1PublicKey(p)), nil
		case kmip.KeyFormatTransparentRSAPublicKey:
			return transparentRSAPublic(p), nil
		}
	case *ecdsa.PublicKey:
		switch f {
		case kmip.KeyFormatTransparentECPublicKey, kmip.KeyFormatTransparentECDSAPublicKey, kmip.KeyFormatTransparentECDHPublicKey:
			return transparentECPublic(p)
		}
	}
	if f != kmip.KeyFormatX509 {
		return nil, unsupported(kmip.ObjectTypePublicKey, f)
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	return secret.Copy(der), err
}

// Public returns the public half.
func (k *Key) Public() *Key { return &Key{public: k.public} }

// Algorithm is the one that the key is for.
func (k *Key) Algorithm() kmip.CryptographicAlgorithm {
	switch k.public.(type) {
	case *rsa.PublicKey:
		return kmip.AlgorithmRSA
	case *ecdsa.PublicKey:
		return kmip.AlgorithmEC
	}
	return kmip.AlgorithmEd25519
}

// Is says whether the key can be one for the algorithm: EC keys go by the names of what is
// done with them, too.
func (k *Key) Is(alg kmip.CryptographicAlgorithm) bool {
	have := k.Algorithm()
	return alg == have || have == kmip.AlgorithmEC && (alg == kmip.AlgorithmECDSA || alg == kmip.AlgorithmECDH)
}

// Bits is the Cryptographic Length.
func (k *Key) Bits() int32 {
	switch p := k.public.(type) {
	case *rsa.PublicKey:
		return int32(p.N.BitLen())
	case *ecdsa.PublicKey:
		return int32(p.Curve.Params().BitSize)
	}
	return 256
}

// Curve is that of the Cryptographic Domain Parameters, 0 for RSA.
func (k *Key) Curve() kmip.RecommendedCurve {
	switch p := k.public.(type) {
	case *ecdsa.PublicKey:
		return curveOf(p.Curve)
	case ed25519.PublicKey:
		return kmip.Curve25519
	}
	return 0
}

func curveOf(c elliptic.Curve) kmip.RecommendedCurve {
	switch c {
	case elliptic.P224():
		return kmip.CurveP224
	case elliptic.P256():
		return kmip.CurveP256
	case elliptic.P384():
		return kmip.CurveP384
	case elliptic.P521():
		return kmip.CurveP521
	}
	return 0
}

func goCurve(c kmip.RecommendedCurve) elliptic.Curve {
	switch c {
	case kmip.CurveP224:
		return elliptic.P224()
	case kmip.CurveP256:
		return elliptic.P256()
	case kmip.CurveP384:
		return elliptic.P384()
	case kmip.CurveP521:
		return elliptic.P521()
	}
	return nil
}

// Wipe clears the private numbers, as far as they can be reached.
func (k *Key) Wipe() {
	switch p := k.private.(type) {
	case *rsa.PrivateKey:
		for _, n := range append([]*big.Int{p.D, p.Precomputed.Dp, p.Precomputed.Dq, p.Precomputed.Qinv}, p.Primes...) {
			wipeInt(n)
		}
	case *ecdsa.PrivateKey:
		wipeInt(p.D)
	case ed25519.PrivateKey:
		secret.Wipe(p)
	}
}

func wipeInt(n *big.Int) {
	if n != nil {
		clear(n.Bits())
	}
}
