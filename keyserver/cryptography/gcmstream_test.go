package cryptography

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"testing"
)

// The stream is Go's, also over the end of the counter, for vectors of any length.
func TestGCMStream(t *testing.T) {
	block, err := aes.NewCipher([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	// A vector is looked for whose counter, which is a hash, ends within the text: one in 2^16 does.
	text := make([]byte, 16<<16)
	for i := range text {
		text[i] = byte(i * 7)
	}
	near := false
	for n := uint32(0); !near && n < 1<<20; n++ {
		iv := make([]byte, 16)
		binary.BigEndian.PutUint32(iv, n)
		aead, err := cipher.NewGCMWithNonceSize(block, len(iv))
		if err != nil {
			t.Fatal(err)
		}
		g := newGCMStream(block, aead, iv)
		near = g.left < uint64(len(text))
		if !near && n > 3 {
			continue
		}
		want := aead.Seal(nil, iv, text, nil)[:len(text)]
		got := make([]byte, len(text))
		for from, size := 0, 1; from < len(text); from, size = from+size, size*3 {
			to := min(from+size, len(text))
			g.XORKeyStream(got[from:to], text[from:to])
		}
		if !bytes.Equal(got, want) {
			t.Errorf("vector %d, %d bytes before the counter's end: another stream", n, newGCMStream(block, aead, iv).left)
		}
	}
	if !near {
		t.Fatal("no vector was found whose counter ends")
	}
}
