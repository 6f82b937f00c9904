package cryptography

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"

	"github.com/dbkeyring/dbkeyring/secret"
)

// xts is a Job of XTS-AES (IEEE 1619, NIST SP 800-38E): the data is one sector, whose
// number, or any other 16 bytes, is the vector.
type xts struct {
	held
	text, tweak cipher.Block
	encrypt     bool
	iv          []byte
}

func newXTS(key []byte, encrypt bool, iv []byte) (*xts, error) {
	first, second := key[:len(key)/2], key[len(key)/2:]
	if subtle.ConstantTimeCompare(first, second) == 1 {
		return nil, invalid("the two keys of XTS are the same")
	}
	x := &xts{encrypt: encrypt, iv: iv}
	var err error
	if x.text, err = aes.NewCipher(first); err != nil {
		return nil, err
	}
	x.tweak, err = aes.NewCipher(second)
	return x, err
}

func (x *xts) Final(data []byte) (*secret.Bytes, error) {
	const size = aes.BlockSize
	out, err := x.join(data)
	if err != nil {
		return nil, err
	}
	if out.Len() < size {
		out.Wipe()
		return nil, invalid("XTS needs %d bytes of data at least", size)
	}
	var t [size]byte
	x.tweak.Encrypt(t[:], x.iv)
	text, rest := out.Reveal(), out.Len()%size
	whole := len(text) - rest
	if rest > 0 {
		whole -= size
	}
	for i := 0; i < whole; i += size {
		x.crypt(text[i:i+size], &t)
		double(&t)
	}
	if rest > 0 {
		x.steal(text[whole:], t)
	}
	return out, nil
}

// steal does the last block and the part of one behind it (ciphertext stealing).
func (x *xts) steal(text []byte, t [aes.BlockSize]byte) {
	const size = aes.BlockSize
	next := t
	double(&next)
	if !x.encrypt {
		t, next = next, t
	}
	x.crypt(text[:size], &t)
	for i := size; i < len(text); i++ {
		text[i-size], text[i] = text[i], text[i-size]
	}
	x.crypt(text[:size], &next)
}

func (x *xts) crypt(block []byte, t *[aes.BlockSize]byte) {
	subtle.XORBytes(block, block, t[:])
	if x.encrypt {
		x.text.Encrypt(block, block)
	} else {
		x.text.Decrypt(block, block)
	}
	subtle.XORBytes(block, block, t[:])
}

// double multiplies by the polynomial x in the field of 2^128 elements.
func double(t *[aes.BlockSize]byte) {
	carry := byte(0)
	for i, b := range t {
		t[i] = b<<1 | carry
		carry = b >> 7
	}
	t[0] ^= 0x87 & -carry
}
