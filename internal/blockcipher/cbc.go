package blockcipher

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

// overheadCBC is the padding and the authentication code.
const overheadCBC = aes.BlockSize + sha256.Size

// cbc encrypts, and then authenticates the header and the result. The vector is the
// encrypted number: nobody can foretell it, and it never comes twice.
type cbc struct {
	text, vector cipher.Block
	codes        sync.Pool // of hash.Hash
}

// newCBC takes three keys: for the text, for the vectors, for the code.
func newCBC(keys []byte) (*cbc, error) {
	text, err := aes.NewCipher(keys[:KeySize])
	if err != nil {
		return nil, err
	}
	vector, err := aes.NewCipher(keys[KeySize : 2*KeySize])
	if err != nil {
		return nil, err
	}
	code := secret.Copy(keys[2*KeySize:])
	return &cbc{text: text, vector: vector, codes: sync.Pool{New: func() any { return hmac.New(sha256.New, code.Reveal()) }}}, nil
}

func (c *cbc) vectorOf(header []byte) (iv [aes.BlockSize]byte) {
	copy(iv[aes.BlockSize-(headerSize-numberAt):], header[numberAt:headerSize])
	c.vector.Encrypt(iv[:], iv[:])
	return iv
}

// code computes the authentication code of a block without one, into room for it.
func (c *cbc) code(room, block []byte) []byte {
	h := c.codes.Get().(hash.Hash)
	defer c.codes.Put(h)
	h.Reset()
	h.Write(block)
	return h.Sum(room[:0])
}

func (c *cbc) seal(dst, src []byte) int {
	iv := c.vectorOf(dst)
	whole := len(src) / aes.BlockSize * aes.BlockSize
	var end [aes.BlockSize]byte // the rest of the text, and the padding (PKCS #7)
	pad := aes.BlockSize - copy(end[:], src[whole:])
	copy(end[aes.BlockSize-pad:], bytes.Repeat([]byte{byte(pad)}, pad))
	mode := cipher.NewCBCEncrypter(c.text, iv[:])
	mode.CryptBlocks(dst[headerSize:], src[:whole])
	n := headerSize + whole
	mode.CryptBlocks(dst[n:], end[:])
	n += aes.BlockSize
	secret.Wipe(end[:])
	return n + len(c.code(dst[n:n+sha256.Size], dst[:n]))
}

func (c *cbc) open(dst, src []byte) (int, error) {
	n := len(src) - sha256.Size
	size := n - headerSize
	if size < aes.BlockSize || size%aes.BlockSize != 0 {
		return 0, ErrDamaged
	}
	var room [sha256.Size]byte
	if !hmac.Equal(c.code(room[:], src[:n]), src[n:]) {
		return 0, ErrDamaged
	}
	iv := c.vectorOf(src)
	cipher.NewCBCDecrypter(c.text, iv[:]).CryptBlocks(dst[:size], src[headerSize:n])
	pad := int(dst[size-1])
	if pad < 1 || pad > aes.BlockSize || subtle.ConstantTimeCompare(dst[size-pad:size], bytes.Repeat([]byte{byte(pad)}, pad)) != 1 {
		return 0, ErrDamaged
	}
	return size - pad, nil
}
