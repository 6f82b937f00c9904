package cryptography

import (
	"crypto/hmac"
	"hash"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// hmacHashes are the hashes of the algorithms that are an HMAC.
var hmacHashes = map[kmip.CryptographicAlgorithm]kmip.HashingAlgorithm{
	kmip.AlgorithmHMACSHA1: kmip.HashSHA1, kmip.AlgorithmHMACSHA224: kmip.HashSHA224, kmip.AlgorithmHMACSHA256: kmip.HashSHA256,
	kmip.AlgorithmHMACSHA384: kmip.HashSHA384, kmip.AlgorithmHMACSHA512: kmip.HashSHA512,
	kmip.AlgorithmHMACSHA3224: kmip.HashSHA3_224, kmip.AlgorithmHMACSHA3256: kmip.HashSHA3_256,
	kmip.AlgorithmHMACSHA3384: kmip.HashSHA3_384, kmip.AlgorithmHMACSHA3512: kmip.HashSHA3_512,
}

// NewMAC returns a message authentication code for a key of the algorithm (KMIP 1.2, 4.33).
// The Cryptographic Algorithm of the parameters, else that of the key, says which HMAC; with
// the mode CMAC it is the block cipher's own code (NIST SP 800-38B). The key stays the
// caller's.
func NewMAC(p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, key []byte) (hash.Hash, error) {
	if p.Mode == kmip.ModeCMAC {
		return newCMAC(p, alg, key)
	}
	use := p.Algorithm
	if use == 0 || use == alg {
		use = alg
	}
	of, ok := hmacHashes[use]
	switch {
	case !ok:
		return nil, invalid("the Cryptographic Algorithm %s makes no message authentication code: give an HMAC in the Cryptographic Parameters, or the mode CMAC", use)
	case p.Hash != 0 && p.Hash != of:
		return nil, invalid("the Hashing Algorithm %s is not that of %s", p.Hash, use)
	case p.Mode != 0:
		return nil, invalid("%s has no Block Cipher Mode", use)
	}
	h, err := hashOf(of)
	if err != nil {
		return nil, err
	}
	return hmac.New(h.New, key), nil
}

// VerifyMAC compares a code with the one that a client has, in a time that says nothing.
func VerifyMAC(h hash.Hash, code []byte) bool { return hmac.Equal(h.Sum(nil), code) }
