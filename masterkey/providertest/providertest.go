// Package providertest is the suite that each masterkey.Provider passes.
package providertest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Keeper is what the suite has to know of who keeps the keys.
type Keeper struct {
	// Given is a key that is there already, for a provider that makes none.
	Given *masterkey.Ref
	// Missing are keys that are not there.
	Missing []masterkey.Ref
	// States: a new key is Pre-Active.
	States bool
	// Finds: what was made is found by its marker.
	Finds bool
	// Asks: an answer needs a connection, so that there is none after Close.
	Asks bool
}

// Test runs the suite. Each call of open gives another provider of the same keeper, which
// the suite closes.
func Test(t *testing.T, open func(testing.TB) masterkey.Provider, k Keeper) {
	s := &suite{open: open, Keeper: k}
	t.Run("Create", s.create)
	t.Run("Read", s.read)
	t.Run("States", s.states)
	t.Run("Find", s.find)
	t.Run("Missing", s.missing)
	t.Run("Context", s.context)
	t.Run("Concurrency", s.concurrency)
	t.Run("Close", s.close)
}

type suite struct {
	open func(testing.TB) masterkey.Provider
	Keeper
}

func (s *suite) provider(t *testing.T) masterkey.Provider {
	t.Helper()
	p := s.open(t)
	t.Cleanup(func() { p.Close() })
	return p
}

// marker is a name that no other key has, of whatever run.
func (*suite) marker() string {
	return "dbkeyring providertest " + rand.Text()
}

// some returns a key that is there.
func (s *suite) some(t *testing.T, p masterkey.Provider, marker string) (*secret.Bytes, masterkey.Ref) {
	t.Helper()
	var key *secret.Bytes
	var ref masterkey.Ref
	var err error
	if s.Given != nil {
		key, ref, err = p.Read(t.Context(), *s.Given)
	} else {
		key, ref, err = p.Create(t.Context(), marker)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Wipe)
	if key.Len() != masterkey.Size || ref.Provider != p.Name() {
		t.Errorf("%d bytes, %+v", key.Len(), ref)
	}
	return key, ref
}

func (s *suite) create(t *testing.T) {
	p := s.provider(t)
	if s.Given != nil {
		if key, _, err := p.Create(t.Context(), s.marker()); key != nil || keyring.KindOf(err) != keyring.ErrInvalid {
			t.Errorf("a provider that makes no keys made one: %v", err)
		}
		return
	}
	key, ref := s.some(t, p, s.marker())
	other, otherRef := s.some(t, p, s.marker())
	if ref.ID == "" {
		t.Errorf("%+v", ref)
	}
	if other.Equal(key) || otherRef.ID == ref.ID && string(otherRef.Blob) == string(ref.Blob) {
		t.Error("two keys are one")
	}
}

// read is done by another provider than that which made the key, with no more than is
// written down.
func (s *suite) read(t *testing.T) {
	key, ref := s.some(t, s.provider(t), s.marker())
	p := s.provider(t)
	got, again, err := p.Read(t.Context(), masterkey.Ref{Provider: ref.Provider, ID: ref.ID, Blob: ref.Blob})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(key) || again.ID != ref.ID || string(again.Blob) != string(ref.Blob) || again.Provider != p.Name() || again.Server != ref.Server {
		t.Errorf("%+v", again)
	}
	got.Wipe() // which is nobody else's
	if got, _, err = p.Read(t.Context(), ref); err != nil || !got.Equal(key) {
		t.Errorf("once more: %v", err)
	}
	got.Wipe()
}

func (s *suite) states(t *testing.T) {
	p := s.provider(t)
	_, ref := s.some(t, p, s.marker())
	want := masterkey.Active
	if s.States {
		want = masterkey.PreActive
	}
	if state, err := p.State(t.Context(), ref); err != nil || state != want {
		t.Errorf("%s, %v", state, err)
	}
	for range 2 { // an Active one stays so
		if err := p.Activate(t.Context(), ref); err != nil {
			t.Errorf("Activate: %v", err)
		}
		if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Active {
			t.Errorf("%s, %v", state, err)
		}
	}
}

func (s *suite) find(t *testing.T) {
	p := s.provider(t)
	marker := s.marker()
	_, ref := s.some(t, p, marker)
	s.some(t, p, s.marker())
	got, err := s.provider(t).Find(t.Context(), marker)
	switch {
	case !s.Finds && !errors.Is(err, keyring.ErrNotFound):
		t.Errorf("%+v, %v", got, err)
	case s.Finds && (err != nil || got.ID != ref.ID || got.Provider != p.Name()):
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := p.Find(t.Context(), s.marker()); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("what is not there: %+v, %v", got, err)
	}
}

func (s *suite) missing(t *testing.T) {
	p := s.provider(t)
	for _, r := range s.Missing {
		if _, _, err := p.Read(t.Context(), r); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("Read: %v", err)
		}
		if !s.States {
			continue // there is nothing to ask about
		}
		if _, err := p.State(t.Context(), r); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("State: %v", err)
		}
		if err := p.Activate(t.Context(), r); !errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("Activate: %v", err)
		}
	}
}

// calls are all questions to a keeper.
func (s *suite) calls(ctx context.Context, p masterkey.Provider, r masterkey.Ref) map[string]error {
	_, _, read := p.Read(ctx, r)
	_, state := p.State(ctx, r)
	errs := map[string]error{"Read": read, "State": state}
	if s.Given == nil {
		_, _, errs["Create"] = p.Create(ctx, s.marker())
	}
	if s.Finds {
		_, errs["Find"] = p.Find(ctx, s.marker())
	}
	if s.States {
		errs["Activate"] = p.Activate(ctx, r)
	}
	return errs
}

// context is that a question which was given up says nothing about the key.
func (s *suite) context(t *testing.T) {
	p := s.provider(t)
	_, ref := s.some(t, p, s.marker())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for call, err := range s.calls(ended, p, ref) {
		if keyring.KindOf(err) != keyring.ErrUnreachable {
			t.Errorf("%s: %v", call, err)
		}
	}
	for call, err := range s.calls(t.Context(), p, ref) {
		if err != nil && call != "Find" {
			t.Errorf("%s afterwards: %v", call, err)
		}
	}
}

func (s *suite) concurrency(t *testing.T) {
	p := s.provider(t)
	key, ref := s.some(t, p, s.marker())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, again, err := p.Read(t.Context(), ref)
			if err != nil || !got.Equal(key) || again.ID != ref.ID {
				t.Errorf("Read: %+v, %v", again, err)
			}
			got.Wipe()
			if err := p.Activate(t.Context(), ref); err != nil {
				t.Errorf("Activate: %v", err)
			}
			if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Active {
				t.Errorf("State: %s, %v", state, err)
			}
		})
	}
	wg.Wait()
}

func (s *suite) close(t *testing.T) {
	p := s.open(t)
	_, ref := s.some(t, p, s.marker())
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if !s.Asks {
		return
	}
	for call, err := range s.calls(t.Context(), p, ref) {
		if keyring.KindOf(err) != keyring.ErrUnreachable {
			t.Errorf("%s: %v", call, err)
		}
	}
}
