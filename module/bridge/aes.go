package bridge

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MySQL's service keyring_aes lets a host encrypt with a key that never leaves the
// keyring: the AES-256 key is the SHA-256 of the stored bytes, and the modes are
// those of MySQL's AES_ENCRYPT for 256 bits, without ecb. The modes are specified
// in NIST SP 800-38A.

// AESParams says how to encrypt or decrypt.
type AESParams struct {
	Mode      string // "cbc", "cfb1", "cfb8", "cfb128", "ofb"
	BlockSize int    // the key's size in bits: 256 and nothing else
	IV        []byte // 16 bytes
	Padding   bool   // PKCS #7; only cbc looks at it
	Decrypt   bool
}

const aesKeyBits = 256

// AESSize returns how many bytes the cipher text of n bytes takes at most.
func AESSize(mode string, blockSize, n int) (int, Code) {
	if blockSize != aesKeyBits || n < 0 {
		return 0, Invalid
	}
	switch mode {
	case "cbc":
		return n/aes.BlockSize*aes.BlockSize + aes.BlockSize, OK
	case "cfb1", "cfb8", "cfb128", "ofb":
		return n, OK
	}
	return 0, Invalid
}

// AES encrypts or decrypts in with the key id into out and returns the number
// of bytes written. TooSmall: n says how many are needed. out may not overlap in.
func (b *Bridge) AES(h Handle, id keyring.ID, p AESParams, in, out []byte) (n int, code Code) {
	code = b.do(h, "use", id, func(ctx context.Context, k keyring.Keyring) error {
		if _, c := AESSize(p.Mode, p.BlockSize, len(in)); c != OK {
			return keyring.E("use", id, keyring.ErrInvalid, fmt.Errorf("mode %q with %d bits: keyring_aes does cbc, cfb1, cfb8, cfb128 and ofb with 256", p.Mode, p.BlockSize))
		}
		if id.Name == "" || len(p.IV) != aes.BlockSize {
			return keyring.E("use", id, keyring.ErrInvalid, errors.New("keyring_aes needs a key id and an initialisation vector of 16 bytes"))
		}
		key, err := k.Fetch(ctx, id)
		if err != nil {
			return err
		}
		defer key.Wipe()
		if !keyring.SameType(key.Type, keyring.TypeAES) {
			return keyring.E("use", id, keyring.ErrInvalid, fmt.Errorf("the key's type is %q, keyring_aes needs AES", key.Type))
		}
		raw := sha256.Sum256(key.Data.Reveal())
		defer secret.Wipe(raw[:])
		block, err := aes.NewCipher(raw[:])
		if err != nil {
			return keyring.E("use", id, keyring.ErrInvalid, err)
		}
		text, err := crypt(block, p, in)
		if err != nil {
			return keyring.E("use", id, keyring.ErrInvalid, err)
		}
		defer secret.Wipe(text)
		if n = len(text); n > len(out) {
			return errTooSmall
		}
		copy(out, text)
		return nil
	})
	return n, code
}

func crypt(block cipher.Block, p AESParams, in []byte) ([]byte, error) {
	out := make([]byte, len(in), len(in)+aes.BlockSize)
	switch p.Mode {
	case "cbc":
		return cbc(block, p, in)
	case "cfb1":
		cfb1(block, p.IV, out, in, p.Decrypt)
	case "cfb8":
		cfb(block, p.IV, out, in, 1, p.Decrypt)
	case "cfb128":
		cfb(block, p.IV, out, in, aes.BlockSize, p.Decrypt)
	case "ofb":
		ofb(block, p.IV, out, in)
	default:
		return nil, fmt.Errorf("no such mode: %q", p.Mode)
	}
	return out, nil
}

func cbc(block cipher.Block, p AESParams, in []byte) ([]byte, error) {
	if !p.Decrypt {
		out := append(make([]byte, 0, len(in)+aes.BlockSize), in...)
		if p.Padding {
			n := aes.BlockSize - len(in)%aes.BlockSize
			for range n {
				out = append(out, byte(n))
			}
		}
		if len(out)%aes.BlockSize != 0 {
			return nil, fmt.Errorf("%d bytes are not whole blocks, and padding is off", len(in))
		}
		cipher.NewCBCEncrypter(block, p.IV).CryptBlocks(out, out)
		return out, nil
	}
	if len(in)%aes.BlockSize != 0 || p.Padding && len(in) == 0 {
		return nil, fmt.Errorf("%d bytes are not whole blocks", len(in))
	}
	out := make([]byte, len(in))
	cipher.NewCBCDecrypter(block, p.IV).CryptBlocks(out, in)
	if !p.Padding {
		return out, nil
	}
	n := int(out[len(out)-1])
	ok := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		same := subtle.ConstantTimeByteEq(out[len(out)-i], byte(n))
		ok &= subtle.ConstantTimeSelect(subtle.ConstantTimeLessOrEq(i, n), same, 1)
	}
	if ok != 1 {
		secret.Wipe(out)
		return nil, errors.New("the padding is wrong: another key or damaged data")
	}
	return out[:len(out)-n], nil
}

// cfb is cipher feedback by whole segments of size bytes; the last may be short.
func cfb(block cipher.Block, iv, dst, src []byte, size int, decrypt bool) {
	shift := append([]byte(nil), iv...)
	stream := make([]byte, aes.BlockSize)
	for len(src) > 0 {
		n := min(size, len(src))
		block.Encrypt(stream, shift)
		subtle.XORBytes(dst[:n], src[:n], stream[:n])
		fed := dst[:n]
		if decrypt {
			fed = src[:n]
		}
		copy(shift, shift[n:])
		copy(shift[aes.BlockSize-n:], fed)
		dst, src = dst[n:], src[n:]
	}
}

// cfb1 is cipher feedback bit by bit, the highest bit of a byte first.
func cfb1(block cipher.Block, iv, dst, src []byte, decrypt bool) {
	shift := append([]byte(nil), iv...)
	stream := make([]byte, aes.BlockSize)
	for i, in := range src {
		var out byte
		for bit := 7; bit >= 0; bit-- {
			block.Encrypt(stream, shift)
			b := in >> bit & 1
			c := b ^ stream[0]>>7
			out |= c << bit
			fed := c
			if decrypt {
				fed = b
			}
			for j := range aes.BlockSize - 1 {
				shift[j] = shift[j]<<1 | shift[j+1]>>7
			}
			shift[aes.BlockSize-1] = shift[aes.BlockSize-1]<<1 | fed
		}
		dst[i] = out
	}
}

// ofb is output feedback.
func ofb(block cipher.Block, iv, dst, src []byte) {
	stream := append([]byte(nil), iv...)
	for len(src) > 0 {
		block.Encrypt(stream, stream)
		n := subtle.XORBytes(dst, src, stream)
		dst, src = dst[n:], src[n:]
	}
}
