// Package memory is the reference implementation of a keyring: it keeps keys as
// long as the process lives, says what package keyring demands and no more, and
// is what tests put in place of a key server.
package memory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Keyring keeps keys in memory. Make one with New.
type Keyring struct {
	mu     sync.RWMutex
	keys   map[keyring.ID]keyring.Key
	closed bool
}

var _ keyring.Keyring = (*Keyring)(nil) // compiler check

// New returns an empty keyring.
func New() *Keyring { return &Keyring{keys: map[keyring.ID]keyring.Key{}} }

var errClosed = errors.New("the keyring is closed")

// usable says why a call cannot be answered, if it cannot.
func (r *Keyring) usable(ctx context.Context, op string, id keyring.ID) error {
	if r.closed {
		return keyring.E(op, id, keyring.ErrUnreachable, errClosed)
	}
	if err := ctx.Err(); err != nil {
		return keyring.E(op, id, keyring.ErrUnreachable, err)
	}
	return nil
}

// Fetch returns a copy of the key.
func (r *Keyring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.usable(ctx, "fetch", id); err != nil {
		return keyring.Key{}, err
	}
	k, ok := r.keys[id]
	if !ok {
		return keyring.Key{}, keyring.E("fetch", id, keyring.ErrNotFound, nil)
	}
	return keyring.Key{Type: k.Type, Data: k.Data.Clone()}, nil
}

// Store keeps a copy of the key.
func (r *Keyring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	return r.add(ctx, "store", id, k.Type, k.Data.Len(), k.Data.Clone)
}

// Generate makes a random key.
func (r *Keyring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	return r.add(ctx, "generate", id, typ, size, func() *secret.Bytes { return secret.Random(size) })
}

func (r *Keyring) add(ctx context.Context, op string, id keyring.ID, typ string, size int, data func() *secret.Bytes) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E(op, id, keyring.ErrInvalid, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx, op, id); err != nil {
		return err
	}
	if _, ok := r.keys[id]; ok {
		return keyring.E(op, id, keyring.ErrExists, nil)
	}
	r.keys[id] = keyring.Key{Type: typ, Data: data()}
	return nil
}

func check(id keyring.ID, typ string, size int) error {
	var errs []error
	if id.Name == "" {
		errs = append(errs, errors.New("the key has no name"))
	}
	if strings.Contains(id.Name+id.Owner, "\x00") {
		errs = append(errs, errors.New("the name or the owner contains a NUL"))
	}
	if typ == "" {
		errs = append(errs, errors.New("the key has no type"))
	}
	if size < 1 || size > keyring.MaxKeySize {
		errs = append(errs, fmt.Errorf("the key has %d bytes, and 1 to %d are possible", size, keyring.MaxKeySize))
	}
	return errors.Join(errs...)
}

// Remove deletes and wipes the key.
func (r *Keyring) Remove(ctx context.Context, id keyring.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx, "remove", id); err != nil {
		return err
	}
	k, ok := r.keys[id]
	if !ok {
		return keyring.E("remove", id, keyring.ErrNotFound, nil)
	}
	k.Wipe()
	delete(r.keys, id)
	return nil
}

// List returns all IDs, in no order.
func (r *Keyring) List(ctx context.Context) ([]keyring.ID, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.usable(ctx, "list", keyring.ID{}); err != nil {
		return nil, err
	}
	ids := make([]keyring.ID, 0, len(r.keys))
	for id := range r.keys {
		ids = append(ids, id)
	}
	return ids, nil
}

// Close wipes all keys.
func (r *Keyring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.keys {
		k.Wipe()
	}
	clear(r.keys)
	r.closed = true
	return nil
}
