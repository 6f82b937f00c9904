package cryptography

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"math/big"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The transparent formats (KMIP 1.4, 2.1.7): the material is the fields of a structure.

var errTransparent = errors.New("the fields of the key material do not make a key")

// numbers reads the Big Integers of a structure of which curve, point and nothing else are
// of another type.
func numbers(fields []byte) (n map[ttlv.Tag]*big.Int, curve kmip.RecommendedCurve, point []byte, err error) {
	n = make(map[ttlv.Tag]*big.Int)
	r := ttlv.NewFieldsReader(fields)
	for r.Next() {
		switch {
		case r.Tag() == kmip.TagRecommendedCurve:
			curve = kmip.RecommendedCurve(r.Enumeration())
		case r.Tag() == kmip.TagQString:
			point = r.ByteString()
		default:
			b := r.BigInteger()
			if len(b) == 0 || b[0]&0x80 != 0 {
				return nil, 0, nil, errTransparent // none of them is negative
			}
			n[r.Tag()] = new(big.Int).SetBytes(b)
		}
	}
	return n, curve, point, r.Err()
}

// writeNumber appends a positive number as a Big Integer.
func writeNumber(w *ttlv.Writer, tag ttlv.Tag, n *big.Int) {
	b := make([]byte, (n.BitLen()/64+1)*8) // with room for the sign
	defer secret.Wipe(b)
	w.BigInteger(tag, n.FillBytes(b))
}

func parseTransparentRSA(fields []byte) (*rsa.PrivateKey, error) {
	n, _, _, err := numbers(fields)
	if err != nil {
		return nil, err
	}
	defer func() {
		for tag, v := range n {
			if tag != kmip.TagModulus {
				wipeInt(v)
			}
		}
	}()
	modulus, e, d, p, q := n[kmip.TagModulus], n[kmip.TagPublicExponent], n[kmip.TagPrivateExponent], n[kmip.TagP], n[kmip.TagQ]
	if modulus == nil || modulus.BitLen() > maxModulus || e == nil || !e.IsInt64() || e.Int64() < 3 || e.Int64() >= 1<<31 {
		return nil, errTransparent
	}
	if p == nil || q == nil || max(p.BitLen(), q.BitLen()) >= modulus.BitLen() || d != nil && d.BitLen() > modulus.BitLen() {
		return nil, errTransparent // what is longer would only take long
	}
	if d == nil {
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		defer wipeInt(phi)
		if d = new(big.Int).ModInverse(e, phi); d == nil {
			return nil, errTransparent
		}
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Set(modulus), E: int(e.Int64())},
		D:         new(big.Int).Set(d), Primes: []*big.Int{new(big.Int).Set(p), new(big.Int).Set(q)},
	}
	key.Precompute()
	return key, key.Validate()
}

func transparentRSA(k *rsa.PrivateKey) *secret.Bytes {
	w := ttlv.NewWriter(make([]byte, 0, 8*k.Size()))
	defer w.Wipe()
	writeNumber(w, kmip.TagModulus, k.N)
	writeNumber(w, kmip.TagPrivateExponent, k.D)
	writeNumber(w, kmip.TagPublicExponent, big.NewInt(int64(k.E)))
	if len(k.Primes) == 2 {
		writeNumber(w, kmip.TagP, k.Primes[0])
		writeNumber(w, kmip.TagQ, k.Primes[1])
		writeNumber(w, kmip.TagPrimeExponentP, k.Precomputed.Dp)
		writeNumber(w, kmip.TagPrimeExponentQ, k.Precomputed.Dq)
		writeNumber(w, kmip.TagCRTCoefficient, k.Precomputed.Qinv)
	}
	return secret.Copy(w.Bytes())
}

func parseTransparentRSAPublic(fields []byte) (*rsa.PublicKey, error) {
	n, _, _, err := numbers(fields)
	if err != nil {
		return nil, err
	}
	modulus, e := n[kmip.TagModulus], n[kmip.TagPublicExponent]
	if modulus == nil || e == nil || !e.IsInt64() || e.Int64() < 3 || e.Int64() >= 1<<31 {
		return nil, errTransparent
	}
	return &rsa.PublicKey{N: modulus, E: int(e.Int64())}, nil
}

func transparentRSAPublic(k *rsa.PublicKey) *secret.Bytes {
	var w ttlv.Writer
	writeNumber(&w, kmip.TagModulus, k.N)
	writeNumber(&w, kmip.TagPublicExponent, big.NewInt(int64(k.E)))
	return secret.Copy(w.Bytes())
}

func parseTransparentEC(fields []byte) (*ecdsa.PrivateKey, error) {
	n, c, _, err := numbers(fields)
	if err != nil {
		return nil, err
	}
	curve, d := goCurve(c), n[kmip.TagD]
	if curve == nil || d == nil {
		return nil, errTransparent
	}
	defer wipeInt(d)
	size := (curve.Params().BitSize + 7) / 8
	if d.BitLen() > 8*size {
		return nil, errTransparent
	}
	raw := d.FillBytes(make([]byte, size))
	defer secret.Wipe(raw)
	return ecdsa.ParseRawPrivateKey(curve, raw)
}

func transparentEC(k *ecdsa.PrivateKey) (*secret.Bytes, error) {
	raw, err := k.Bytes()
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(raw)
	w := ttlv.NewWriter(make([]byte, 0, 256))
	defer w.Wipe()
	w.Enumeration(kmip.TagRecommendedCurve, uint32(curveOf(k.Curve)))
	d := new(big.Int).SetBytes(raw)
	defer wipeInt(d)
	writeNumber(w, kmip.TagD, d)
	return secret.Copy(w.Bytes()), nil
}

func parseTransparentECPublic(fields []byte) (*ecdsa.PublicKey, error) {
	_, c, point, err := numbers(fields)
	if err != nil {
		return nil, err
	}
	curve := goCurve(c)
	if curve == nil {
		return nil, errTransparent
	}
	return ecdsa.ParseUncompressedPublicKey(curve, point)
}

func transparentECPublic(k *ecdsa.PublicKey) (*secret.Bytes, error) {
	point, err := k.Bytes()
	if err != nil {
		return nil, err
	}
	var w ttlv.Writer
	w.Enumeration(kmip.TagRecommendedCurve, uint32(curveOf(k.Curve)))
	w.ByteString(kmip.TagQString, point)
	return secret.Copy(w.Bytes()), nil
}
