package keyringtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// concurrent has writers with IDs of their own, and readers of one ID that is
// always there: nobody ever meets an error.
func (s *suite) concurrent() {
	typ, rounds := s.limits.types()[0], 20
	if s.limits.Slow {
		rounds = 3
	}
	steady := keyring.ID{Name: "steady", Owner: "o"}
	s.store(steady, typ, filled(32, 9))
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range rounds {
				id := keyring.ID{Name: fmt.Sprintf("w%d-%d", w, i%3)}
				content := filled(32, byte(w*16+i))
				s.store1(id, typ, content)
				s.has(id, typ, content)
				if err := s.k.Remove(s.ctx, id); err != nil {
					s.Errorf("Remove %s: %v", id, err)
				}
			}
		})
		wg.Go(func() {
			for range rounds * 3 {
				s.has(steady, typ, filled(32, 9))
				ids, err := s.k.List(s.ctx)
				if err != nil || len(ids) == 0 {
					s.Errorf("List: %d ids, %v", len(ids), err)
				}
			}
		})
	}
	wg.Wait()
	s.lists(steady)
}

// store1 is store for other goroutines than the test's, which must not call Fatal.
func (s *suite) store1(id keyring.ID, typ string, content []byte) {
	d := data(content)
	defer d.Wipe()
	if err := s.k.Store(s.ctx, id, keyring.Key{Type: typ, Data: d}); err != nil {
		s.Errorf("Store %s: %v", id, err)
	}
}

func (s *suite) oneOfManyStoresWins() {
	id, typ := keyring.ID{Name: "one"}, s.limits.types()[0]
	var won atomic.Int32
	var winner atomic.Int32
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			switch err := s.k.Store(s.ctx, id, keyring.Key{Type: typ, Data: data(filled(16, byte(i)))}); {
			case err == nil:
				won.Add(1)
				winner.Store(int32(i))
			case !errors.Is(err, keyring.ErrExists):
				s.Errorf("Store: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		s.Fatalf("%d of 6 stores of one ID succeeded", won.Load())
	}
	s.has(id, typ, filled(16, byte(winner.Load())))
	s.lists(id)
}

// property runs random operations on a keyring and on a map beside each other.
func property(t *testing.T, fresh Fresh, l Limits) {
	ids := []keyring.ID{{Name: "a"}, {Name: "A"}, {Name: "a", Owner: "o"}, {Name: "é"}, {Name: "dbkeyring:1:o:a"}}
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		open := fresh(t)
		m := &machine{ctx: ctx, limits: l, ids: ids, k: open(), model: map[keyring.ID]modelKey{}}
		defer func() { m.k.Close() }()
		actions := map[string]func(*rapid.T){
			"store": m.store, "generate": m.generate, "fetch": m.fetch, "remove": m.remove, "": m.check,
		}
		if !l.Volatile {
			actions["reopen"] = func(*rapid.T) {
				m.k.Close()
				m.k = open()
			}
		}
		if r, ok := m.k.(keyring.Reloader); ok && l.Volatile {
			actions["reload"] = func(rt *rapid.T) {
				if err := r.Reload(ctx); err != nil {
					rt.Fatalf("Reload: %v", err)
				}
			}
		}
		rt.Repeat(actions)
	})
}

type modelKey struct {
	typ  string
	data []byte
}

type machine struct {
	ctx    context.Context
	limits Limits
	ids    []keyring.ID
	k      keyring.Keyring
	model  map[keyring.ID]modelKey
}

func (m *machine) id(t *rapid.T) keyring.ID { return rapid.SampledFrom(m.ids).Draw(t, "id") }

// want says which kind of error the model expects.
func (m *machine) want(t *rapid.T, what string, err, want error) {
	if !errors.Is(err, want) && (want != nil || err != nil) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

func (m *machine) store(t *rapid.T) {
	id, typ := m.id(t), rapid.SampledFrom(m.limits.types()).Draw(t, "type")
	content := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data")
	_, there := m.model[id]
	d := data(content)
	defer d.Wipe()
	err := m.k.Store(m.ctx, id, keyring.Key{Type: typ, Data: d})
	switch {
	case len(content) == 0 || !m.limits.takes(typ, len(content)):
		m.want(t, fmt.Sprintf("Store of %d bytes of %s", len(content), typ), err, keyring.ErrInvalid)
	case there:
		m.want(t, "Store", err, keyring.ErrExists)
	default:
		m.want(t, "Store", err, nil)
		m.model[id] = modelKey{typ, content}
	}
}

func (m *machine) generate(t *rapid.T) {
	id, typ := m.id(t), rapid.SampledFrom(m.limits.types()).Draw(t, "type")
	n := rapid.SampledFrom([]int{16, 24, 32}).Draw(t, "size")
	_, there := m.model[id]
	err := m.k.Generate(m.ctx, id, typ, n)
	if there {
		m.want(t, "Generate", err, keyring.ErrExists)
		return
	}
	m.want(t, "Generate", err, nil)
	k, err := m.k.Fetch(m.ctx, id)
	m.want(t, "Fetch", err, nil)
	defer k.Wipe()
	if k.Data.Len() != n {
		t.Fatalf("Generate made %d bytes, not %d", k.Data.Len(), n)
	}
	m.model[id] = modelKey{typ, bytes.Clone(k.Data.Reveal())}
}

func (m *machine) fetch(t *rapid.T) {
	id := m.id(t)
	want, there := m.model[id]
	k, err := m.k.Fetch(m.ctx, id)
	if !there {
		m.want(t, "Fetch", err, keyring.ErrNotFound)
		return
	}
	m.want(t, "Fetch", err, nil)
	defer k.Wipe()
	if !bytes.Equal(k.Data.Reveal(), want.data) || !keyring.SameType(k.Type, want.typ) {
		t.Fatalf("Fetch %s: %q of %d bytes, want %q of %d", id, k.Type, k.Data.Len(), want.typ, len(want.data))
	}
}

func (m *machine) remove(t *rapid.T) {
	id := m.id(t)
	_, there := m.model[id]
	err := m.k.Remove(m.ctx, id)
	if !there {
		m.want(t, "Remove", err, keyring.ErrNotFound)
		return
	}
	m.want(t, "Remove", err, nil)
	delete(m.model, id)
}

// check runs after every step.
func (m *machine) check(t *rapid.T) {
	got, err := m.k.List(m.ctx)
	m.want(t, "List", err, nil)
	var want []keyring.ID
	for id := range m.model {
		want = append(want, id)
	}
	if g, w := fmt.Sprint(sorted(got)), fmt.Sprint(sorted(want)); g != w {
		t.Fatalf("List: %s, want %s", g, w)
	}
}
