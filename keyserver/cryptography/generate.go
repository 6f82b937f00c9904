package cryptography

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// CheckGenerate says whether Generate can make such a key. For curves either the length or
// the curve may be 0.
func CheckGenerate(alg kmip.CryptographicAlgorithm, bits int32, curve kmip.RecommendedCurve) error {
	switch alg {
	case kmip.AlgorithmRSA:
		if bits != 2048 && bits != 3072 && bits != 4096 || curve != 0 {
			return invalid("an RSA key of %d bits cannot be created: 2048, 3072 and 4096 can", bits)
		}
		return nil
	case kmip.AlgorithmEC, kmip.AlgorithmECDSA, kmip.AlgorithmECDH:
		if c := curveFor(bits, curve); c == 0 {
			return invalid("there is no elliptic curve of %d bits and the Recommended Curve %s: P-256, P-384 and P-521 there are", bits, curve)
		}
		return nil
	case kmip.AlgorithmEd25519:
		if bits != 0 && bits != 256 || curve != 0 && curve != kmip.Curve25519 {
			return invalid("an Ed25519 key has 256 bits")
		}
		return nil
	}
	return invalid("a key pair for %s cannot be created", alg)
}

// curveFor returns the curve that length and name agree on, 0 for none.
func curveFor(bits int32, curve kmip.RecommendedCurve) kmip.RecommendedCurve {
	for _, c := range []struct {
		curve kmip.RecommendedCurve
		bits  int32
	}{{kmip.CurveP256, 256}, {kmip.CurveP384, 384}, {kmip.CurveP521, 521}} {
		if (bits == 0 || bits == c.bits) && (curve == 0 || curve == c.curve) && (bits != 0 || curve != 0) {
			return c.curve
		}
	}
	return 0
}

// Generate makes a key. An RSA key of 4096 bits takes seconds.
func Generate(alg kmip.CryptographicAlgorithm, bits int32, curve kmip.RecommendedCurve) (*Key, error) {
	if err := CheckGenerate(alg, bits, curve); err != nil {
		return nil, err
	}
	switch alg {
	case kmip.AlgorithmRSA:
		k, err := rsa.GenerateKey(rand.Reader, int(bits))
		if err != nil {
			return nil, err
		}
		return &Key{k, &k.PublicKey}, nil
	case kmip.AlgorithmEd25519:
		public, private, err := ed25519.GenerateKey(rand.Reader)
		return &Key{private, public}, err
	}
	k, err := ecdsa.GenerateKey(goCurve(curveFor(bits, curve)), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &Key{k, &k.PublicKey}, nil
}

// OwnFormat is the format that this server keeps the keys in that it makes.
func (k *Key) OwnFormat() kmip.KeyFormatType {
	switch k.private.(type) {
	case *rsa.PrivateKey:
		return kmip.KeyFormatPKCS1
	case *ecdsa.PrivateKey:
		return kmip.KeyFormatECPrivateKey
	case ed25519.PrivateKey:
		return kmip.KeyFormatPKCS8
	}
	if _, ok := k.public.(*rsa.PublicKey); ok {
		return kmip.KeyFormatPKCS1
	}
	return kmip.KeyFormatX509
}
