// Package keyringtest is the conformance suite of every back end: what package
// keyring promises, as tests. A back end is done when it passes.
package keyringtest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Limits declares what a back end cannot do. The zero value can do everything.
type Limits struct {
	// Types are the key types that it takes, without regard to case; nil for any.
	Types []string
	// FoldsTypes: it gives a type back in the spelling of its own, not the user's.
	FoldsTypes bool
	// AESSizes are the sizes in bytes of the AES keys that it takes, 16 and 32 among
	// them; nil for any.
	AESSizes []int
	// MaxSize is the longest key in bytes; 0 for keyring.MaxKeySize.
	MaxSize int
	// TooLong are IDs that it refuses for their length.
	TooLong []keyring.ID
	// Volatile: it forgets its keys when it is closed.
	Volatile bool
	// Slow: a call takes milliseconds; the property test and the larger loads are
	// left out.
	Slow bool
}

// Fresh makes an empty place for keys that lasts as long as the test, and returns
// a function that opens it; the second call opens the same place again. A keyring
// that it returns may be closed by the test or left open.
type Fresh func(t testing.TB) (open func() keyring.Keyring)

// Test runs the suite.
func Test(t *testing.T, fresh Fresh, l Limits) {
	if l.MaxSize == 0 {
		l.MaxSize = keyring.MaxKeySize
	}
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"ContentAndType", (*suite).contentAndType},
		{"TypesInAnyCase", (*suite).typesInAnyCase},
		{"IDsAreByteStrings", (*suite).idsAreByteStrings},
		{"Exists", (*suite).exists},
		{"Absent", (*suite).absent},
		{"Invalid", (*suite).invalid},
		{"Generate", (*suite).generate},
		{"NameAgainAfterRemove", (*suite).nameAgainAfterRemove},
		{"ListIsASnapshot", (*suite).listIsASnapshot},
		{"KeysAreTheCallers", (*suite).keysAreTheCallers},
		{"Durable", (*suite).durable},
		{"Closed", (*suite).closed},
		{"CancelledContext", (*suite).cancelledContext},
		{"Concurrent", (*suite).concurrent},
		{"OneOfManyStoresWins", (*suite).oneOfManyStoresWins},
		{"NativeIDAndState", (*suite).nativeIDAndState},
		{"Reload", (*suite).reload},
	} {
		t.Run(c.name, func(t *testing.T) {
			limit := time.Minute
			if l.Slow {
				limit = 3 * time.Minute
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			s := &suite{T: t, ctx: ctx, limits: l, reopen: fresh(t)}
			s.open()
			c.test(s)
		})
	}
	if !l.Slow {
		t.Run("Property", func(t *testing.T) { property(t, fresh, l) })
	}
}

// suite is one test with its keyring.
type suite struct {
	*testing.T
	ctx    context.Context
	limits Limits
	reopen func() keyring.Keyring
	k      keyring.Keyring
}

func (s *suite) open() {
	s.Helper()
	s.k = s.reopen()
	k := s.k
	s.Cleanup(func() { k.Close() })
}

// types are those that the back end takes; of one that takes any, some that
// databases use.
func (l Limits) types() []string {
	if l.Types != nil {
		return l.Types
	}
	return []string{keyring.TypeAES, keyring.TypeSecret, keyring.TypeRSA, keyring.TypeDSA, "x-other"}
}

// takes says whether a key of the type may have n bytes.
func (l Limits) takes(typ string, n int) bool {
	return l.AESSizes == nil || !keyring.SameType(typ, keyring.TypeAES) || slices.Contains(l.AESSizes, n)
}

func data(b []byte) *secret.Bytes { return secret.Copy(b) }

// filled returns n bytes that depend on the seed.
func filled(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ seed
	}
	return b
}

func (s *suite) store(id keyring.ID, typ string, content []byte) {
	s.Helper()
	d := data(content)
	defer d.Wipe()
	if err := s.k.Store(s.ctx, id, keyring.Key{Type: typ, Data: d}); err != nil {
		s.Fatalf("Store %s: %v", id, err)
	}
}

// has asserts that a key is there with its content and type.
func (s *suite) has(id keyring.ID, typ string, content []byte) {
	s.Helper()
	k, err := s.k.Fetch(s.ctx, id)
	if err != nil {
		s.Errorf("Fetch %s: %v", id, err)
		return
	}
	defer k.Wipe()
	if !bytes.Equal(k.Data.Reveal(), content) {
		s.Errorf("Fetch %s: other bytes than stored (%d of %d)", id, k.Data.Len(), len(content))
	}
	if k.Type != typ && (!s.limits.FoldsTypes || !keyring.SameType(k.Type, typ)) {
		s.Errorf("Fetch %s: type %q, not %q", id, k.Type, typ)
	}
}

func (s *suite) hasNot(id keyring.ID) {
	s.Helper()
	k, err := s.k.Fetch(s.ctx, id)
	if err == nil {
		k.Wipe()
	}
	s.kind("Fetch "+id.String(), err, keyring.ErrNotFound)
}

// kind asserts that an error is of exactly one kind.
func (s *suite) kind(what string, err, want error) {
	s.Helper()
	if err == nil {
		s.Errorf("%s: no error, want %q", what, want)
		return
	}
	for _, k := range []error{keyring.ErrNotFound, keyring.ErrExists, keyring.ErrReadOnly, keyring.ErrUnreachable,
		keyring.ErrInactive, keyring.ErrCorrupt, keyring.ErrDenied, keyring.ErrInvalid} {
		if is := errors.Is(err, k); is != (k == want) {
			s.Errorf("%s: %v: is %q: %t", what, err, k, is)
		}
	}
}

// lists asserts which IDs there are, in whatever order.
func (s *suite) lists(want ...keyring.ID) {
	s.Helper()
	got, err := s.k.List(s.ctx)
	if err != nil {
		s.Fatalf("List: %v", err)
	}
	if g, w := sorted(got), sorted(want); !slices.Equal(g, w) {
		s.Errorf("List: %v, want %v", g, w)
	}
}

func sorted(ids []keyring.ID) []keyring.ID {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b keyring.ID) int {
		if c := strings.Compare(a.Owner, b.Owner); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return ids
}
