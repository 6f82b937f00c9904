package cryptography

import (
	"crypto"
	_ "crypto/sha1" // the hashes that hash may return
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"hash"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// hashOf returns Go's hash for the algorithm.
func hashOf(alg kmip.HashingAlgorithm) (crypto.Hash, error) {
	switch alg {
	case kmip.HashSHA1:
		return crypto.SHA1, nil
	case kmip.HashSHA224:
		return crypto.SHA224, nil
	case kmip.HashSHA256:
		return crypto.SHA256, nil
	case kmip.HashSHA384:
		return crypto.SHA384, nil
	case kmip.HashSHA512:
		return crypto.SHA512, nil
	case kmip.HashSHA512_224:
		return crypto.SHA512_224, nil
	case kmip.HashSHA512_256:
		return crypto.SHA512_256, nil
	case kmip.HashSHA3_224:
		return crypto.SHA3_224, nil
	case kmip.HashSHA3_256:
		return crypto.SHA3_256, nil
	case kmip.HashSHA3_384:
		return crypto.SHA3_384, nil
	case kmip.HashSHA3_512:
		return crypto.SHA3_512, nil
	case 0:
		return 0, invalid("there are no Cryptographic Parameters with a Hashing Algorithm")
	}
	return 0, invalid("the Hashing Algorithm %s is not supported", alg)
}

// NewHash returns a hash for the parameters (KMIP 1.2, 4.37).
func NewHash(p kmip.CryptographicParameters) (hash.Hash, error) {
	h, err := hashOf(p.Hash)
	if err != nil {
		return nil, err
	}
	return h.New(), nil
}
