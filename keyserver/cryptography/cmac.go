package cryptography

import (
	"crypto/cipher"
	"crypto/subtle"
	"hash"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// cmac is the code of NIST SP 800-38B.
type cmac struct {
	block  cipher.Block
	k1, k2 []byte
	sum    []byte // the chain so far
	last   []byte // what is not in it: the last block, or less
}

func newCMAC(p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, key []byte) (hash.Hash, error) {
	if p.Algorithm != 0 && p.Algorithm != alg {
		return nil, invalid("the Cryptographic Algorithm of the parameters is %s, that of the key %s", p.Algorithm, alg)
	}
	c, err := NewCipher(kmip.CryptographicParameters{Mode: kmip.ModeECB}, alg, key)
	if err != nil {
		return nil, err
	}
	if c.block == nil {
		return nil, invalid("CMAC needs a block cipher, not %s", alg)
	}
	m := &cmac{block: c.block}
	zero := make([]byte, c.block.BlockSize())
	c.block.Encrypt(zero, zero)
	m.k1 = shifted(zero)
	m.k2 = shifted(m.k1)
	m.Reset()
	return m, nil
}

// shifted doubles in the field that has as many bits as the block.
func shifted(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] << 1
		if i+1 < len(b) {
			out[i] |= b[i+1] >> 7
		}
	}
	r := byte(0x87)
	if len(b) == 8 {
		r = 0x1b
	}
	out[len(b)-1] ^= r & -(b[0] >> 7)
	return out
}

func (m *cmac) Write(p []byte) (int, error) {
	n, size := len(p), m.BlockSize()
	for len(p) > 0 {
		if len(m.last) == size {
			m.chain(m.last)
			m.last = m.last[:0]
		}
		take := min(size-len(m.last), len(p))
		m.last = append(m.last, p[:take]...)
		p = p[take:]
	}
	return n, nil
}

func (m *cmac) chain(block []byte) {
	subtle.XORBytes(m.sum, m.sum, block)
	m.block.Encrypt(m.sum, m.sum)
}

func (m *cmac) Sum(b []byte) []byte {
	size := m.BlockSize()
	block, key := make([]byte, size), m.k1
	copy(block, m.last)
	if len(m.last) < size {
		block[len(m.last)], key = 0x80, m.k2
	}
	subtle.XORBytes(block, block, key)
	subtle.XORBytes(block, block, m.sum)
	m.block.Encrypt(block, block)
	return append(b, block...)
}

func (m *cmac) Reset()         { m.sum, m.last = make([]byte, m.BlockSize()), make([]byte, 0, m.BlockSize()) }
func (m *cmac) Size() int      { return m.block.BlockSize() }
func (m *cmac) BlockSize() int { return m.block.BlockSize() }
