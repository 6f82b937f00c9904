package cryptography

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// gcmStream is the stream that GCM encrypts with, for data in parts, which Go's GCM does
// not take. Its counter is the last 32 bits of the block, and begins again at 0 without
// a carry into the others (NIST SP 800-38D, 6.5).
type gcmStream struct {
	cipher.Stream
	block cipher.Block
	next  [aes.BlockSize]byte // where the stream goes on after left bytes
	left  uint64
}

// newGCMStream finds where the counter begins in what zeros become: for a vector that is
// not of 12 bytes it is a hash.
func newGCMStream(block cipher.Block, aead cipher.AEAD, iv []byte) *gcmStream {
	var zeros, first [aes.BlockSize]byte
	block.Decrypt(first[:], aead.Seal(nil, iv, zeros[:], nil)[:aes.BlockSize])
	g := &gcmStream{block: block, next: first}
	g.goOn()
	return g
}

func (g *gcmStream) goOn() {
	g.Stream = cipher.NewCTR(g.block, g.next[:])
	g.left = (1<<32 - uint64(binary.BigEndian.Uint32(g.next[12:]))) * aes.BlockSize
	clear(g.next[12:])
}

func (g *gcmStream) XORKeyStream(dst, src []byte) {
	for uint64(len(src)) > g.left {
		g.Stream.XORKeyStream(dst[:g.left], src[:g.left])
		dst, src = dst[g.left:], src[g.left:]
		g.goOn()
	}
	g.Stream.XORKeyStream(dst, src)
	g.left -= uint64(len(src))
}
