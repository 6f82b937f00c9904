package blockcipher

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/dbkeyring/dbkeyring/secret"
)

const overheadGCM = 16

// newWorker derives what an epoch works with.
func newWorker(id epochID, key *secret.Bytes, name string) (worker, error) {
	size, info := KeySize, "dbkeyring block AES256-GCM\x00"+name
	if id[0] == formatCBC {
		size, info = 3*KeySize, "dbkeyring block AES256-CBC HMAC-SHA256\x00"+name
	}
	derived, err := hkdf.Key(sha256.New, key.Reveal(), id[:], info, size)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(derived)
	if id[0] == formatCBC {
		return newCBC(derived)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm{aead}, nil
}

type gcm struct{ cipher.AEAD }

// The nonce is the end of the header: bytes of the salt, which are the same in an epoch,
// and the number.
const nonceAt = headerSize - 12

func (g gcm) seal(dst, src []byte) int {
	return headerSize + len(g.Seal(dst[headerSize:headerSize], dst[nonceAt:headerSize], src, nil))
}

func (g gcm) open(dst, src []byte) (int, error) {
	text, err := g.AEAD.Open(dst[:0], src[nonceAt:headerSize], src[headerSize:], nil)
	if err != nil {
		return 0, ErrDamaged
	}
	return len(text), nil
}
