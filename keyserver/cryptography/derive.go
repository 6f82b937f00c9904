package cryptography

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"hash"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// maxIterations bounds the work of PBKDF2: its Iteration Count for each block that the hash
// makes, in all. It is some seconds of one processor.
const maxIterations = 10_000_000

// Derive makes length bytes out of a key by the method (KMIP 1.4, 4.6): the first ones of what
// comes out. alg is that of the key, 0 for Secret Data. Parameters that the method does not
// use are refused. The secrets in it stay the caller's, who owns the result, too.
func Derive(m kmip.DerivationMethod, d kmip.DerivationParameters, alg kmip.CryptographicAlgorithm, key []byte, length int) (*secret.Bytes, error) {
	var p kmip.CryptographicParameters
	if d.Parameters != nil {
		p = *d.Parameters
	}
	switch {
	case m != kmip.DerivePBKDF2 && (d.Salt != nil || d.Iterations != 0):
		return nil, invalid("the Derivation Method %s has no Salt and no Iteration Count", m)
	case m != kmip.DeriveENCRYPT && d.IV != nil:
		return nil, invalid("the Derivation Method %s has no Initialization Vector", m)
	}
	switch m {
	case kmip.DerivePBKDF2:
		return derivePBKDF2(d, p, key, length)
	case kmip.DeriveHASH:
		if d.Data != nil {
			return nil, invalid("the Derivation Method HASH is over the object, or over Derivation Data, not both")
		}
		h, err := NewHash(p)
		if err != nil {
			return nil, err
		}
		h.Write(key) // never fails
		return first(h.Sum(nil), length)
	case kmip.DeriveHMAC:
		h, err := deriveHMAC(p, alg, key)
		if err != nil {
			return nil, err
		}
		if d.Data == nil {
			return nil, noData(m)
		}
		h.Write(d.Data.Reveal()) // never fails
		return first(h.Sum(nil), length)
	case kmip.DeriveENCRYPT:
		return deriveENCRYPT(d, p, alg, key, length)
	}
	return nil, kmip.Errorf(kmip.ReasonFeatureNotSupported, "keys are derived by PBKDF2, HASH, HMAC and ENCRYPT, not by the Derivation Method %s", m)
}

func noData(m kmip.DerivationMethod) error {
	return kmip.Errorf(kmip.ReasonMissingData, "the Derivation Method %s needs Derivation Data, or a second object that is Secret Data", m)
}

// first takes what came out over, and returns its beginning.
func first(out []byte, length int) (*secret.Bytes, error) {
	defer secret.Wipe(out)
	if length > len(out) {
		return nil, kmip.Errorf(kmip.ReasonCryptographicFailure, "the derivation makes %d bits, and the Cryptographic Length is %d", 8*len(out), 8*length)
	}
	return secret.Copy(out[:length]), nil
}

// derivePBKDF2 takes the key as the password (RFC 8018, 5.2).
func derivePBKDF2(d kmip.DerivationParameters, p kmip.CryptographicParameters, key []byte, length int) (*secret.Bytes, error) {
	of := p.Hash
	if of == 0 {
		of = hmacHashes[p.Algorithm]
	}
	h, err := hashOf(of)
	switch {
	case err != nil:
		return nil, err
	case p.Algorithm != 0 && hmacHashes[p.Algorithm] != of:
		return nil, invalid("PBKDF2 is by an HMAC, and %s is not that of %s", p.Algorithm, of)
	case d.Data != nil:
		return nil, invalid("PBKDF2 has a Salt, and no Derivation Data")
	case d.Salt == nil || d.Iterations == 0:
		return nil, kmip.Errorf(kmip.ReasonMissingData, "PBKDF2 needs a Salt and an Iteration Count")
	case d.Iterations < 0 || int64(d.Iterations)*int64((length+h.Size()-1)/h.Size()) > maxIterations:
		return nil, invalid("an Iteration Count of %d for %d bits is out of bounds", d.Iterations, 8*length)
	}
	out, err := pbkdf2.Key(h.New, string(key), d.Salt, int(d.Iterations), length)
	if err != nil {
		return nil, kmip.Errorf(kmip.ReasonCryptographicFailure, "PBKDF2: %v", err)
	}
	return secret.Take(out), nil
}

// deriveHMAC returns the HMAC of a key: that which its algorithm is, or which the parameters
// say, by the algorithm or by the hash.
func deriveHMAC(p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, key []byte) (hash.Hash, error) {
	if p.Algorithm != 0 || hmacHashes[alg] != 0 {
		if p.Mode != 0 {
			return nil, invalid("HMAC has no Block Cipher Mode")
		}
		return NewMAC(p, alg, key)
	}
	h, err := hashOf(p.Hash)
	if err != nil {
		return nil, err
	}
	return hmac.New(h.New, key), nil
}

// deriveENCRYPT encrypts the data. Modes with a tag or a random part are not for it: the same
// would not come out again.
func deriveENCRYPT(d kmip.DerivationParameters, p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, key []byte, length int) (*secret.Bytes, error) {
	c, err := NewCipher(p, alg, key)
	switch {
	case err != nil:
		return nil, err
	case c.Authenticated() || c.wraps() || p.RandomIV || p.Padding == kmip.PaddingISO10126:
		return nil, invalid("the Cryptographic Parameters are not for the Derivation Method ENCRYPT")
	case d.Data == nil:
		return nil, noData(kmip.DeriveENCRYPT)
	}
	job, err := c.Job(true, d.IV, nil)
	if err != nil {
		return nil, err
	}
	defer job.Wipe()
	out, err := job.Final(d.Data.Reveal())
	if err != nil {
		return nil, err
	}
	defer out.Wipe()
	return first(append([]byte(nil), out.Reveal()...), length)
}
