// Package secret holds key bytes: locked in memory where the process may lock,
// left out of core dumps, wiped on request, and impossible to print by accident.
//
// A [Bytes] is not a []byte on purpose. The only way to its content is
// [Bytes.Reveal], so that a search for "Reveal" finds every reader.
package secret

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"sync"
)

// Bytes is a secret of fixed length. The zero value and nil are empty secrets.
//
// A Bytes has one owner, who calls [Bytes.Wipe] when nobody reads it any more;
// hand a [Bytes.Clone] to whoever lives longer.
type Bytes struct {
	mu   sync.Mutex
	data []byte // in the arena, with its slot's capacity; nil once wiped
}

// New returns a secret of n zero bytes for the caller to fill through Reveal.
func New(n int) *Bytes {
	if n <= 0 {
		return &Bytes{}
	}
	return &Bytes{data: shared.take(n)}
}

// Copy returns a secret with the content of b. The caller still owns b.
func Copy(b []byte) *Bytes {
	s := New(len(b))
	copy(s.data, b)
	return s
}

// Take returns a secret with the content of b and wipes b.
func Take(b []byte) *Bytes {
	s := Copy(b)
	Wipe(b)
	return s
}

// Random returns n bytes from the system's random source.
func Random(n int) *Bytes {
	s := New(n)
	rand.Read(s.data) // never fails: crypto/rand ends the program instead
	return s
}

// Len returns the number of bytes, 0 for a nil or wiped secret.
func (s *Bytes) Len() int {
	if s == nil {
		return 0
	}
	return len(s.data)
}

// Reveal returns the content itself, not a copy. It is valid until Wipe; the
// caller must neither keep it longer than the secret nor print it.
func (s *Bytes) Reveal() []byte {
	if s == nil {
		return nil
	}
	return s.data[:len(s.data):len(s.data)]
}

// Clone returns an independent secret with the same content.
func (s *Bytes) Clone() *Bytes {
	return Copy(s.Reveal())
}

// Equal compares in a time that does not depend on the content.
func (s *Bytes) Equal(o *Bytes) bool {
	return subtle.ConstantTimeCompare(s.Reveal(), o.Reveal()) == 1
}

// Wipe overwrites the content and gives the memory back. It may be called
// more than once, and on nil.
func (s *Bytes) Wipe() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.data == nil {
		return
	}
	Wipe(s.data)
	shared.give(s.data)
	s.data = nil
}

// String tells the length and nothing else.
func (s *Bytes) String() string { return fmt.Sprintf("[secret, %d bytes]", s.Len()) }

// GoString keeps %#v from walking into the content.
func (s *Bytes) GoString() string { return s.String() }

// Format answers every verb with String, so that no %x shows the content.
func (s *Bytes) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue is what slog shows.
func (s *Bytes) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what JSON and other encoders show.
func (s *Bytes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Wipe overwrites b with zeros, for buffers outside a Bytes that held a secret, and
// the registers that it may have been copied through.
//
//go:noinline
func Wipe(b []byte) {
	clear(b)
	clearRegisters()
}
