// Package keywrap wraps keys with AES: RFC 3394 (NIST's AES Key Wrap), and RFC 5649
// for keys of any length.
package keywrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/secret"
)

// half is the unit of both methods, half a block, in bytes.
const half = aes.BlockSize / 2

// The integrity check's first values: RFC 3394, 2.2.3.1, and RFC 5649, 3, which is
// followed by the length.
const (
	checkValue    = 0xA6A6A6A6A6A6A6A6
	checkValuePad = 0xA65959A6
)

// ErrUnwrap: these are no bytes that were wrapped with this key in this way. What is
// wrong is not told.
var ErrUnwrap = errors.New("the key cannot be unwrapped")

// Wrap wraps a key of 16 bytes or more, a multiple of 8 (RFC 3394).
func Wrap(kek, key *secret.Bytes) ([]byte, error) {
	if key.Len() < 2*half || key.Len()%half != 0 {
		return nil, fmt.Errorf("AES Key Wrap takes 16 bytes or more, a multiple of 8; the key has %d", key.Len())
	}
	block, err := aes.NewCipher(kek.Reveal())
	if err != nil {
		return nil, err
	}
	out := make([]byte, half+key.Len())
	copy(out[half:], key.Reveal())
	wrap(block, checkValue, out)
	return out, nil
}

// Unwrap is the way back; its error is ErrUnwrap. The caller wipes the key.
func Unwrap(kek *secret.Bytes, wrapped []byte) (*secret.Bytes, error) {
	if len(wrapped) < 3*half || len(wrapped)%half != 0 {
		return nil, ErrUnwrap
	}
	block, err := aes.NewCipher(kek.Reveal())
	if err != nil {
		return nil, err
	}
	work := secret.Copy(wrapped)
	defer work.Wipe()
	if check := unwrap(block, work.Reveal()); !equal(check, checkValue) {
		return nil, ErrUnwrap
	}
	return secret.Copy(work.Reveal()[half:]), nil
}

// WrapPad wraps a key of any length but 0 (RFC 5649).
func WrapPad(kek, key *secret.Bytes) ([]byte, error) {
	if key.Len() == 0 {
		return nil, errors.New("AES Key Wrap with padding takes a byte or more")
	}
	block, err := aes.NewCipher(kek.Reveal())
	if err != nil {
		return nil, err
	}
	out := make([]byte, half+(key.Len()+half-1)/half*half)
	copy(out[half:], key.Reveal())
	check := uint64(checkValuePad)<<32 | uint64(key.Len())
	if len(out) == aes.BlockSize {
		binary.BigEndian.PutUint64(out, check)
		block.Encrypt(out, out)
		return out, nil
	}
	wrap(block, check, out)
	return out, nil
}

// UnwrapPad is the way back; its error is ErrUnwrap. The caller wipes the key.
func UnwrapPad(kek *secret.Bytes, wrapped []byte) (*secret.Bytes, error) {
	if len(wrapped) < aes.BlockSize || len(wrapped)%half != 0 {
		return nil, ErrUnwrap
	}
	block, err := aes.NewCipher(kek.Reveal())
	if err != nil {
		return nil, err
	}
	work := secret.Copy(wrapped)
	defer work.Wipe()
	b := work.Reveal()
	var check uint64
	if len(b) == aes.BlockSize {
		block.Decrypt(b, b)
		check = binary.BigEndian.Uint64(b)
	} else {
		check = unwrap(block, b)
	}
	padded := len(b) - half
	n := int(check & 0xffffffff)
	if !equal(check>>32, checkValuePad) || n > padded || n <= padded-half {
		return nil, ErrUnwrap
	}
	rest := byte(0)
	for _, p := range b[half+n:] {
		rest |= p
	}
	if rest != 0 {
		return nil, ErrUnwrap
	}
	return secret.Copy(b[half : half+n]), nil
}

// wrap wraps what stands in out after its first half block, in place.
func wrap(block cipher.Block, check uint64, out []byte) {
	var b [aes.BlockSize]byte
	defer secret.Wipe(b[:])
	n := len(out)/half - 1
	for j := range 6 {
		for i := 1; i <= n; i++ {
			r := out[i*half : (i+1)*half]
			binary.BigEndian.PutUint64(b[:], check)
			copy(b[half:], r)
			block.Encrypt(b[:], b[:])
			check = binary.BigEndian.Uint64(b[:]) ^ uint64(n*j+i)
			copy(r, b[half:])
		}
	}
	binary.BigEndian.PutUint64(out, check)
}

// unwrap is the way back, in place; it returns the integrity check's value.
func unwrap(block cipher.Block, in []byte) (check uint64) {
	var b [aes.BlockSize]byte
	defer secret.Wipe(b[:])
	n := len(in)/half - 1
	check = binary.BigEndian.Uint64(in)
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			r := in[i*half : (i+1)*half]
			binary.BigEndian.PutUint64(b[:], check^uint64(n*j+i))
			copy(b[half:], r)
			block.Decrypt(b[:], b[:])
			check = binary.BigEndian.Uint64(b[:])
			copy(r, b[half:])
		}
	}
	return check
}

func equal(a, b uint64) bool {
	var x, y [8]byte
	binary.BigEndian.PutUint64(x[:], a)
	binary.BigEndian.PutUint64(y[:], b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
