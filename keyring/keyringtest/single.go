package keyringtest

import (
	"context"
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

func (s *suite) contentAndType() {
	sizes := []int{1, 15, 16, 24, 32, 33, 4096, s.limits.MaxSize}
	var all []keyring.ID
	for _, typ := range s.limits.types() {
		for i, n := range sizes {
			if !s.limits.takes(typ, n) {
				continue
			}
			id := keyring.ID{Name: fmt.Sprintf("%s-%d", typ, n), Owner: []string{"", "root@localhost"}[i%2]}
			all = append(all, id)
			s.store(id, typ, filled(n, byte(i)))
			s.has(id, typ, filled(n, byte(i)))
		}
	}
	// What the bytes are does not matter, zeros at the ends included.
	zero := keyring.ID{Name: "zeros"}
	s.store(zero, s.limits.types()[0], make([]byte, 16))
	s.has(zero, s.limits.types()[0], make([]byte, 16))
	s.lists(append(all, zero)...)
}

func (s *suite) typesInAnyCase() {
	typ := s.limits.types()[0]
	lower, mixed := strings.ToLower(typ), typ[:1]+strings.ToLower(typ[1:])
	s.store(keyring.ID{Name: "lower"}, lower, filled(16, 1))
	s.store(keyring.ID{Name: "mixed", Owner: "o"}, mixed, filled(16, 2))
	s.has(keyring.ID{Name: "lower"}, lower, filled(16, 1))
	s.has(keyring.ID{Name: "mixed", Owner: "o"}, mixed, filled(16, 2))
	if err := s.k.Generate(s.ctx, keyring.ID{Name: "generated"}, lower, 16); err != nil {
		s.Errorf("Generate of type %q: %v", lower, err)
	}
}

// trickyIDs would collide in a back end that folds case, trims, cuts at a
// separator, or escapes carelessly.
func trickyIDs() []keyring.ID {
	names := []string{"key", "KEY", "Key", " key", "key ", "k:e", "k%3Ae", "k%e", "%", ":", "a/b", "a\\b", `"`, "'", "a\nb", "\x01", "\x7f",
		"schlüssel", "schl\xfcssel", "\xff\xfe", "鍵", "dbkeyring:1:o:key", "dbkeyring:1:", "dbkeyring:1::key", "x-key", "0", "null"}
	var ids []keyring.ID
	for _, n := range names {
		ids = append(ids, keyring.ID{Name: n}, keyring.ID{Name: "key", Owner: n}, keyring.ID{Name: n, Owner: "o"})
	}
	return append(ids, keyring.ID{Name: "a:b", Owner: "c"}, keyring.ID{Name: "b", Owner: "c:a"}, keyring.ID{Name: "a", Owner: "b"}, keyring.ID{Name: "b", Owner: "a"})
}

func (s *suite) idsAreByteStrings() {
	ids := trickyIDs()
	typ := s.limits.types()[0]
	for i, id := range ids {
		s.store(id, typ, filled(16, byte(i)))
	}
	check := func() {
		for i, id := range ids {
			s.has(id, typ, filled(16, byte(i)))
		}
		s.lists(ids...)
	}
	check()
	if !s.limits.Volatile {
		s.open()
		check()
	}
	for i, id := range ids {
		if err := s.k.Remove(s.ctx, id); err != nil {
			s.Errorf("Remove %s: %v", id, err)
		}
		s.hasNot(id)
		if i+1 < len(ids) {
			s.has(ids[i+1], typ, filled(16, byte(i+1)))
		}
	}
	s.lists()
}

func (s *suite) exists() {
	typ := s.limits.types()[0]
	for _, id := range []keyring.ID{{Name: "a"}, {Name: "a", Owner: "o"}} {
		s.store(id, typ, filled(32, 1))
		for _, other := range s.limits.types() {
			s.kind("second Store", s.k.Store(s.ctx, id, keyring.Key{Type: other, Data: data(filled(16, 2))}), keyring.ErrExists)
			s.kind("Generate over it", s.k.Generate(s.ctx, id, other, 16), keyring.ErrExists)
		}
		s.has(id, typ, filled(32, 1))
	}
}

func (s *suite) absent() {
	s.lists()
	id := keyring.ID{Name: "absent"}
	s.hasNot(id)
	s.kind("Remove", s.k.Remove(s.ctx, id), keyring.ErrNotFound)
	s.store(keyring.ID{Name: "absent", Owner: "o"}, s.limits.types()[0], filled(16, 0))
	s.hasNot(id)
}

func (s *suite) invalid() {
	typ := s.limits.types()[0]
	good := keyring.ID{Name: "good"}
	type attempt struct {
		what string
		id   keyring.ID
		typ  string
		size int
	}
	attempts := []attempt{
		{"an empty name", keyring.ID{}, typ, 16},
		{"an empty name with an owner", keyring.ID{Owner: "o"}, typ, 16},
		{"a NUL in the name", keyring.ID{Name: "a\x00b"}, typ, 16},
		{"a NUL in the owner", keyring.ID{Name: "a", Owner: "o\x00"}, typ, 16},
		{"an empty key", good, typ, 0},
		{"an over-long key", good, typ, s.limits.MaxSize + 1},
		{"an empty type", good, "", 16},
	}
	if s.limits.Types != nil {
		attempts = append(attempts, attempt{"an unknown type", good, "no-such-type", 16})
	}
	for _, n := range []int{1, 15, 17, 33, 256} {
		if !s.limits.takes(keyring.TypeAES, n) {
			attempts = append(attempts, attempt{fmt.Sprintf("an AES key of %d bytes", n), good, keyring.TypeAES, n})
		}
	}
	for _, id := range s.limits.TooLong {
		attempts = append(attempts, attempt{fmt.Sprintf("an id of %d and %d bytes", len(id.Name), len(id.Owner)), id, typ, 16})
	}
	for _, a := range attempts {
		s.kind("Store with "+a.what, s.k.Store(s.ctx, a.id, keyring.Key{Type: a.typ, Data: data(filled(a.size, 0))}), keyring.ErrInvalid)
		s.kind("Generate with "+a.what, s.k.Generate(s.ctx, a.id, a.typ, a.size), keyring.ErrInvalid)
		if c, ok := s.k.(keyring.Checker); ok {
			s.kind("Check of "+a.what, c.Check(a.id, a.typ, a.size), keyring.ErrInvalid)
		}
	}
	if c, ok := s.k.(keyring.Checker); ok {
		if err := c.Check(good, typ, 16); err != nil {
			s.Errorf("Check of a good key: %v", err)
		}
	}
	s.kind("Store without data", s.k.Store(s.ctx, good, keyring.Key{Type: typ}), keyring.ErrInvalid)
	s.kind("Generate of a negative size", s.k.Generate(s.ctx, good, typ, -1), keyring.ErrInvalid)
	s.lists()
	// What cannot be stored is not there: no outage, no other error.
	s.hasNot(good)
	for _, id := range s.limits.TooLong {
		s.hasNot(id)
		s.kind("Remove", s.k.Remove(s.ctx, id), keyring.ErrNotFound)
	}
}

func (s *suite) generate() {
	seen := map[string]bool{}
	for _, typ := range s.limits.types() {
		for _, n := range []int{16, 32} {
			for _, owner := range []string{"", "u@h"} {
				id := keyring.ID{Name: fmt.Sprintf("%s-%d", typ, n), Owner: owner}
				if err := s.k.Generate(s.ctx, id, typ, n); err != nil {
					s.Fatalf("Generate %s: %v", id, err)
				}
				k, err := s.k.Fetch(s.ctx, id)
				if err != nil {
					s.Fatalf("Fetch %s: %v", id, err)
				}
				if k.Data.Len() != n {
					s.Errorf("%s has %d bytes, not %d", id, k.Data.Len(), n)
				}
				if seen[string(k.Data.Reveal())] || strings.Trim(string(k.Data.Reveal()), "\x00") == "" {
					s.Errorf("%s is not random", id)
				}
				seen[string(k.Data.Reveal())] = true
				s.has(id, typ, k.Data.Reveal())
				k.Wipe()
			}
		}
	}
}

func (s *suite) nameAgainAfterRemove() {
	typ := s.limits.types()[0]
	for _, id := range []keyring.ID{{Name: "again"}, {Name: "again", Owner: "o"}} {
		for i := range byte(4) {
			s.store(id, typ, filled(16, i))
			s.has(id, typ, filled(16, i))
			if err := s.k.Remove(s.ctx, id); err != nil {
				s.Fatalf("Remove: %v", err)
			}
			s.hasNot(id)
			s.kind("second Remove", s.k.Remove(s.ctx, id), keyring.ErrNotFound)
		}
	}
	s.lists()
}

func (s *suite) listIsASnapshot() {
	typ := s.limits.types()[0]
	a, b, c := keyring.ID{Name: "a"}, keyring.ID{Name: "b", Owner: "o"}, keyring.ID{Name: "c"}
	s.store(a, typ, filled(16, 0))
	s.store(b, typ, filled(16, 1))
	before, err := s.k.List(s.ctx)
	if err != nil {
		s.Fatal(err)
	}
	s.store(c, typ, filled(16, 2))
	if err := s.k.Remove(s.ctx, a); err != nil {
		s.Fatal(err)
	}
	if got, want := fmt.Sprint(sorted(before)), fmt.Sprint(sorted([]keyring.ID{a, b})); got != want {
		s.Errorf("the list changed under its reader: %s, was %s", got, want)
	}
	s.lists(b, c)
	clear(before) // the caller's own
	s.lists(b, c)
}

func (s *suite) keysAreTheCallers() {
	typ, id := s.limits.types()[0], keyring.ID{Name: "mine"}
	d := data(filled(32, 7))
	if err := s.k.Store(s.ctx, id, keyring.Key{Type: typ, Data: d}); err != nil {
		s.Fatal(err)
	}
	if d.Len() != 32 {
		s.Error("Store wiped the caller's key")
	}
	d.Wipe()
	for range 2 {
		k, err := s.k.Fetch(s.ctx, id)
		if err != nil {
			s.Fatal(err)
		}
		clear(k.Data.Reveal())
		k.Wipe()
		s.has(id, typ, filled(32, 7))
	}
}

func (s *suite) durable() {
	if s.limits.Volatile {
		s.Skip("the back end forgets its keys, as it declares")
	}
	typ := s.limits.types()[0]
	kept, gone, made := keyring.ID{Name: "kept", Owner: "o"}, keyring.ID{Name: "gone"}, keyring.ID{Name: "made"}
	s.store(kept, typ, filled(24, 3))
	s.store(gone, typ, filled(16, 4))
	if err := s.k.Generate(s.ctx, made, typ, 16); err != nil {
		s.Fatal(err)
	}
	if err := s.k.Remove(s.ctx, gone); err != nil {
		s.Fatal(err)
	}
	k, err := s.k.Fetch(s.ctx, made)
	if err != nil {
		s.Fatal(err)
	}
	defer k.Wipe()
	for range 2 { // the first keyring is still open, as after a crash
		s.open()
		s.has(kept, typ, filled(24, 3))
		s.has(made, typ, k.Data.Reveal())
		s.hasNot(gone)
		s.lists(kept, made)
		if err := s.k.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	}
}

func (s *suite) closed() {
	id, typ := keyring.ID{Name: "a"}, s.limits.types()[0]
	s.store(id, typ, filled(16, 0))
	if err := s.k.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
	_, fetched := s.k.Fetch(s.ctx, id)
	_, absent := s.k.Fetch(s.ctx, keyring.ID{Name: "absent"})
	_, listed := s.k.List(s.ctx)
	for what, err := range map[string]error{
		"Fetch": fetched, "Fetch of what never was": absent, "List": listed,
		"Store":    s.k.Store(s.ctx, keyring.ID{Name: "b"}, keyring.Key{Type: typ, Data: data(filled(16, 0))}),
		"Generate": s.k.Generate(s.ctx, keyring.ID{Name: "c"}, typ, 16),
		"Remove":   s.k.Remove(s.ctx, id),
	} {
		s.kind(what+" after Close", err, keyring.ErrUnreachable)
	}
}

func (s *suite) cancelledContext() {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	id, typ := keyring.ID{Name: "a"}, s.limits.types()[0]
	s.kind("Store", s.k.Store(ctx, id, keyring.Key{Type: typ, Data: data(filled(16, 0))}), keyring.ErrUnreachable)
	s.kind("Remove", s.k.Remove(ctx, id), keyring.ErrUnreachable)
	s.store(id, typ, filled(16, 1)) // the keyring is none the worse
	s.has(id, typ, filled(16, 1))
}

func (s *suite) nativeIDAndState() {
	typ := s.limits.types()[0]
	a, b, absent := keyring.ID{Name: "a"}, keyring.ID{Name: "a", Owner: "o"}, keyring.ID{Name: "absent"}
	s.store(a, typ, filled(16, 0))
	s.store(b, typ, filled(16, 1))
	if n, ok := s.k.(keyring.NativeIDer); ok {
		na, err := n.NativeID(s.ctx, a)
		nb, err2 := n.NativeID(s.ctx, b)
		if err != nil || err2 != nil || na == "" || na == nb {
			s.Errorf("NativeID: %q, %v and %q, %v", na, err, nb, err2)
		}
		_, err = n.NativeID(s.ctx, absent)
		s.kind("NativeID", err, keyring.ErrNotFound)
	}
	if r, ok := s.k.(keyring.StateReporter); ok {
		if st, err := r.KeyState(s.ctx, a); err != nil || st != "Active" {
			s.Errorf("KeyState: %q, %v", st, err)
		}
		_, err := r.KeyState(s.ctx, absent)
		s.kind("KeyState", err, keyring.ErrNotFound)
	}
}

func (s *suite) reload() {
	r, ok := s.k.(keyring.Reloader)
	if !ok {
		s.Skip("the back end is no Reloader")
	}
	typ := s.limits.types()[0]
	mine, others := keyring.ID{Name: "mine"}, keyring.ID{Name: "another's", Owner: "o"}
	s.store(mine, typ, filled(16, 0))
	first := s.k
	s.open()
	s.store(others, typ, filled(16, 1))
	s.k = first
	if err := r.Reload(s.ctx); err != nil {
		s.Fatalf("Reload: %v", err)
	}
	s.lists(mine, others)
	s.has(mine, typ, filled(16, 0))
	s.has(others, typ, filled(16, 1))
}
