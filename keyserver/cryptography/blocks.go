package cryptography

import (
	"crypto/cipher"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// blocks is a Job of a mode that needs whole blocks.
type blocks struct {
	mode    cipher.BlockMode
	padding kmip.PaddingMethod
	encrypt bool
	held    *secret.Bytes // less than a block, or the last block if it may be padding
}

func (c *Cipher) newBlocks(encrypt bool, iv []byte) *blocks {
	b := &blocks{padding: c.p.Padding, encrypt: encrypt, held: secret.New(0)}
	switch {
	case c.p.Mode == kmip.ModeECB:
		b.mode = ecb{c.block, encrypt}
	case encrypt:
		b.mode = cipher.NewCBCEncrypter(c.block, iv)
	default:
		b.mode = cipher.NewCBCDecrypter(c.block, iv)
	}
	return b
}

// join puts what was held back before the data.
func (b *blocks) join(data []byte, room int) *secret.Bytes {
	all := secret.New(b.held.Len() + len(data) + room)
	copy(all.Reveal(), b.held.Reveal())
	copy(all.Reveal()[b.held.Len():], data)
	return all
}

func (b *blocks) hold(rest []byte) {
	b.held.Wipe()
	b.held = secret.Copy(rest)
}

func (b *blocks) Update(data []byte) (*secret.Bytes, error) {
	all := b.join(data, 0)
	defer all.Wipe()
	size := b.mode.BlockSize()
	n := all.Len() / size * size
	if unpads := b.padding != 0 && b.padding != kmip.PaddingNone; !b.encrypt && unpads && n > 0 && n == all.Len() {
		n -= size
	}
	text := all.Reveal()
	b.hold(text[n:])
	if n == 0 {
		return nil, nil
	}
	b.mode.CryptBlocks(text[:n], text[:n])
	return secret.Copy(text[:n]), nil
}

func (b *blocks) Final(data []byte) (*secret.Bytes, error) {
	size, n := b.mode.BlockSize(), b.held.Len()+len(data)
	if !b.encrypt {
		return b.open(data, n, size)
	}
	pad, ok := padLength(b.padding, n, size)
	if !ok {
		return nil, invalid("the data have %d bytes: without padding that has to be a multiple of %d", n, size)
	}
	all := b.join(data, pad)
	fill(b.padding, all.Reveal()[n:])
	b.mode.CryptBlocks(all.Reveal(), all.Reveal())
	return all, nil
}

func (b *blocks) open(data []byte, n, size int) (*secret.Bytes, error) {
	_, always := pads(b.padding)
	if n%size != 0 || n == 0 && always {
		return nil, ErrCryptography
	}
	all := b.join(data, 0)
	b.mode.CryptBlocks(all.Reveal(), all.Reveal())
	if b.padding == 0 || b.padding == kmip.PaddingNone || n == 0 {
		return all, nil
	}
	defer all.Wipe()
	n, err := unpad(b.padding, all.Reveal(), size)
	if err != nil {
		return nil, err
	}
	return secret.Copy(all.Reveal()[:n]), nil
}

func (b *blocks) Wipe() { b.held.Wipe() }

// ecb encrypts each block by itself.
type ecb struct {
	cipher.Block
	encrypt bool
}

func (e ecb) CryptBlocks(dst, src []byte) {
	size := e.BlockSize()
	for i := 0; i < len(src); i += size {
		if e.encrypt {
			e.Encrypt(dst[i:i+size], src[i:i+size])
		} else {
			e.Decrypt(dst[i:i+size], src[i:i+size])
		}
	}
}
