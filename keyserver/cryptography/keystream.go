package cryptography

import (
	"crypto/cipher"

	"golang.org/x/crypto/chacha20"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// keyStream is a Job that comes out as long as it went in: CTR, CFB, OFB and ChaCha20.
type keyStream struct {
	cipher.Stream
	left uint64 // bytes until the counter would begin again
}

func (c *Cipher) newKeyStream(encrypt bool, iv []byte) (*keyStream, error) {
	k := &keyStream{left: 1 << 62}
	switch {
	case c.streamCipher():
		s, err := chacha20.NewUnauthenticatedCipher(c.key, iv)
		if err != nil {
			return nil, err
		}
		first := uint32(0)
		if c.p.InitialCounter != nil {
			first = uint32(*c.p.InitialCounter)
		}
		s.SetCounter(first)
		k.Stream, k.left = s, (1<<32-uint64(first))*64
	case c.p.Mode == kmip.ModeCTR:
		return k, k.counter(c, iv)
	case c.p.Mode == kmip.ModeOFB:
		k.Stream = cipher.NewOFB(c.block, iv)
	case encrypt:
		k.Stream = cipher.NewCFBEncrypter(c.block, iv)
	default:
		k.Stream = cipher.NewCFBDecrypter(c.block, iv)
	}
	return k, nil
}

// counter sets up CTR. With a Counter Length the vector is what stands before the counter,
// which begins with the Initial Counter Value, else 1 (RFC 3686).
func (k *keyStream) counter(c *Cipher, iv []byte) error {
	bits := uint(c.p.CounterLength)
	if bits == 0 {
		if c.p.InitialCounter != nil {
			return invalid("an Initial Counter Value needs a Counter Length")
		}
		k.Stream = cipher.NewCTR(c.block, iv)
		return nil
	}
	first := uint64(1)
	if c.p.InitialCounter != nil {
		first = uint64(uint32(*c.p.InitialCounter))
	}
	if bits < 64 && first>>bits != 0 {
		return invalid("the Initial Counter Value does not fit into the Counter Length")
	}
	size := c.block.BlockSize()
	start := make([]byte, size)
	copy(start, iv)
	for i, n := size-1, first; i >= len(iv); i, n = i-1, n>>8 {
		start[i] = byte(n)
	}
	if bits < 58 {
		k.left = (1<<bits - first) * uint64(size)
	}
	k.Stream = cipher.NewCTR(c.block, start)
	return nil
}

func (k *keyStream) Update(data []byte) (*secret.Bytes, error) {
	if uint64(len(data)) > k.left {
		return nil, invalid("there are more data than the counter can count")
	}
	k.left -= uint64(len(data))
	out := secret.New(len(data))
	k.XORKeyStream(out.Reveal(), data)
	return out, nil
}

func (k *keyStream) Final(data []byte) (*secret.Bytes, error) { return k.Update(data) }

func (k *keyStream) Wipe() {}
