package cryptography

import (
	"crypto/cipher"
	"crypto/subtle"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Sealed is a Job of authenticated encryption. It holds all data until the last part. When
// it encrypts, each part comes out at once, and the tag with the last; when it decrypts,
// nothing is given out that has not been authenticated.
type Sealed struct {
	held
	aead           cipher.AEAD
	stream         func() cipher.Stream // of the text, from its beginning
	began          cipher.Stream        // nil until the first of several parts
	encrypt        bool
	iv, additional []byte
	tagSize        int
	// Tag is what Final makes when it encrypts, and compares when it decrypts.
	Tag []byte
}

func (c *Cipher) newSealed(encrypt bool, iv, additional []byte) (*Sealed, error) {
	s := &Sealed{encrypt: encrypt, iv: iv, additional: additional, tagSize: c.TagSize()}
	var err error
	switch {
	case c.p.Algorithm == kmip.AlgorithmChaCha20Poly1305:
		var stream *chacha20.Cipher
		if stream, err = chacha20.NewUnauthenticatedCipher(c.key, iv); err == nil {
			stream.SetCounter(1) // RFC 8439, 2.8: the block before makes the key of the tag
			s.stream = func() cipher.Stream { return stream }
			s.aead, err = chacha20poly1305.New(c.key)
		}
		return s, err
	case len(iv) == 12:
		s.aead, err = cipher.NewGCM(c.block)
	default:
		s.aead, err = cipher.NewGCMWithNonceSize(c.block, len(iv))
	}
	s.stream = func() cipher.Stream { return newGCMStream(c.block, s.aead, iv) }
	return s, err
}

// Update implements Job.
func (s *Sealed) Update(data []byte) (*secret.Bytes, error) {
	if !s.encrypt {
		return s.held.Update(data)
	}
	if s.began == nil {
		s.began = s.stream()
	}
	if _, err := s.held.Update(data); err != nil {
		return nil, err
	}
	out := secret.New(len(data))
	s.began.XORKeyStream(out.Reveal(), data)
	return out, nil
}

// Final implements Job.
func (s *Sealed) Final(data []byte) (*secret.Bytes, error) {
	before := s.data.Len()
	all, err := s.join(data)
	if err != nil {
		return nil, err
	}
	defer all.Wipe()
	if s.encrypt {
		out, tag := s.seal(all)
		defer out.Wipe()
		s.Tag = tag[:s.tagSize]
		return secret.Copy(out.Reveal()[before:]), nil // the rest is with the client
	}
	if len(s.Tag) != s.tagSize {
		return nil, invalid("the Authenticated Encryption Tag has %d bytes, and the Tag Length is %d", len(s.Tag), s.tagSize)
	}
	return s.open(all)
}

// seal returns the encrypted text and the whole tag.
func (s *Sealed) seal(text *secret.Bytes) (out *secret.Bytes, tag []byte) {
	buf := secret.New(text.Len() + s.aead.Overhead())
	defer buf.Wipe()
	s.aead.Seal(buf.Reveal()[:0], s.iv, text.Reveal(), s.additional)
	return secret.Copy(buf.Reveal()[:text.Len()]), append([]byte(nil), buf.Reveal()[text.Len():]...)
}

// open decrypts. Go opens whole tags only, so one that was cut is compared with that of the
// text encrypted again: the stream of GCM is what zeros become.
func (s *Sealed) open(all *secret.Bytes) (*secret.Bytes, error) {
	n := all.Len()
	if s.tagSize == s.aead.Overhead() {
		whole := secret.New(n + s.tagSize)
		defer whole.Wipe()
		copy(whole.Reveal(), all.Reveal())
		copy(whole.Reveal()[n:], s.Tag)
		out := secret.New(n)
		if _, err := s.aead.Open(out.Reveal()[:0], s.iv, whole.Reveal(), s.additional); err != nil {
			out.Wipe()
			return nil, ErrCryptography
		}
		return out, nil
	}
	zeros := secret.New(n)
	defer zeros.Wipe()
	out, _ := s.seal(zeros)
	subtle.XORBytes(out.Reveal(), out.Reveal(), all.Reveal())
	again, tag := s.seal(out)
	again.Wipe()
	if subtle.ConstantTimeCompare(tag[:s.tagSize], s.Tag) != 1 {
		out.Wipe()
		return nil, ErrCryptography
	}
	return out, nil
}

// held is the data of a Job that needs all of it at once.
type held struct{ data *secret.Bytes }

// Update implements Job.
func (h *held) Update(data []byte) (*secret.Bytes, error) {
	all, err := h.join(data)
	if err != nil {
		return nil, err
	}
	h.data = all
	return nil, nil
}

// join returns what was held with the data behind it, the caller's, and holds nothing more.
func (h *held) join(data []byte) (*secret.Bytes, error) {
	before := h.data
	defer before.Wipe()
	h.data = nil
	if before.Len()+len(data) > MaxHeld {
		return nil, invalid("the data in parts have more than %d bytes: this mode has to hold them all", MaxHeld)
	}
	all := secret.New(before.Len() + len(data))
	copy(all.Reveal(), before.Reveal())
	copy(all.Reveal()[before.Len():], data)
	return all, nil
}

// Wipe implements Job.
func (h *held) Wipe() { h.data.Wipe() }
