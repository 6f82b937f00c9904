package masterkey

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// fake is a provider in memory, with faults.
type fake struct {
	name string

	mu      sync.Mutex
	keys    map[string]*fakeKey
	calls   []string
	down    error // every call fails so
	lost    bool  // the next Create is carried out, and its answer is lost
	failing string
}

type fakeKey struct {
	key    *secret.Bytes
	state  State
	marker string
}

func newFake(name string) *fake { return &fake{name: name, keys: map[string]*fakeKey{}} }

// put makes a key under an identifier.
func (f *fake) put(id string, state State) *secret.Bytes {
	k := secret.Random(Size)
	f.keys[id] = &fakeKey{key: k, state: state}
	return k
}

func (f *fake) begin(call string) error {
	f.calls = append(f.calls, call)
	if f.failing == call {
		return keyring.E(call, keyring.ID{}, keyring.ErrDenied, errors.New("not permitted"))
	}
	return f.down
}

func (f *fake) Name() string { return f.name }

func (f *fake) find(r Ref) (*fakeKey, error) {
	id := r.ID
	if f.name == KeyFile {
		id = "file"
	}
	k := f.keys[id]
	if k == nil {
		return nil, keyring.E("read", keyring.ID{}, keyring.ErrNotFound, nil)
	}
	return k, nil
}

func (f *fake) Read(_ context.Context, r Ref) (*secret.Bytes, Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("read"); err != nil {
		return nil, r, err
	}
	k, err := f.find(r)
	if err != nil {
		return nil, r, err
	}
	return k.key.Clone(), Ref{Provider: f.name, ID: r.ID, Server: "fake:1"}, nil
}

func (f *fake) State(_ context.Context, r Ref) (State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("state"); err != nil {
		return "", err
	}
	k, err := f.find(r)
	if err != nil {
		return "", err
	}
	return k.state, nil
}

func (f *fake) Create(_ context.Context, marker string) (*secret.Bytes, Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("create"); err != nil {
		return nil, Ref{}, err
	}
	id := fmt.Sprint(len(f.keys) + 1)
	k := f.put(id, PreActive)
	f.keys[id].marker = marker
	if f.lost {
		f.lost = false
		return nil, Ref{}, keyring.E("create", keyring.ID{}, keyring.ErrUnreachable, errors.New("no answer"))
	}
	return k.Clone(), Ref{Provider: f.name, ID: id, Server: "fake:1"}, nil
}

func (f *fake) Find(_ context.Context, marker string) (Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("find"); err != nil {
		return Ref{}, err
	}
	for id, k := range f.keys {
		if k.marker == marker {
			return Ref{Provider: f.name, ID: id}, nil
		}
	}
	return Ref{}, keyring.ErrNotFound
}

func (f *fake) Activate(_ context.Context, r Ref) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.begin("activate"); err != nil {
		return err
	}
	k, err := f.find(r)
	if err != nil {
		return err
	}
	if k.state != PreActive && k.state != Active {
		return keyring.E("activate", keyring.ID{}, keyring.ErrInactive, nil)
	}
	k.state = Active
	return nil
}

func (f *fake) Close() error { return nil }
