// Package memory keeps the key server's data in memory. It is the reference for
// the other stores, and what tests use. "Durable" means until the process ends.
package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/overlay"
)

// Store is a store in memory. Readers see an immutable snapshot; each Update
// makes the next one.
type Store struct {
	write sync.Mutex
	state atomic.Pointer[snapshot] // nil once closed
}

// snapshot is the whole content, each bucket sorted by key. It never changes.
type snapshot struct {
	buckets map[store.Bucket][]item
}

type item struct {
	key   string
	value []byte
}

// New returns an empty store.
func New() *Store {
	s := &Store{}
	s.state.Store(&snapshot{})
	return s
}

// View implements [store.Store].
func (s *Store) View(fn func(store.Reader) error) error {
	now := s.state.Load()
	if now == nil {
		return store.ErrClosed
	}
	return fn(now)
}

// Update implements [store.Store].
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.state.Load()
	if now == nil {
		return store.ErrClosed
	}
	changes := overlay.New(now)
	if err := fn(changes); err != nil {
		return err
	}
	next, err := now.with(changes)
	if err != nil {
		return err
	}
	s.state.Store(next)
	return nil
}

// Close implements [store.Store].
func (s *Store) Close() error {
	s.write.Lock()
	defer s.write.Unlock()
	s.state.Store(nil)
	return nil
}

// Get implements [store.Reader].
func (s *snapshot) Get(b store.Bucket, key string) ([]byte, bool, error) {
	items := s.buckets[b]
	i, ok := find(items, key)
	if !ok {
		return nil, false, nil
	}
	return items[i].value, true, nil
}

// Range implements [store.Reader].
func (s *snapshot) Range(b store.Bucket, prefix string, fn func(string, []byte) error) error {
	items := s.buckets[b]
	from, _ := find(items, prefix)
	for _, it := range items[from:] {
		if !strings.HasPrefix(it.key, prefix) {
			break
		}
		if err := fn(it.key, it.value); err != nil {
			return err
		}
	}
	return nil
}

// Buckets implements [store.Reader].
func (s *snapshot) Buckets() ([]store.Bucket, error) {
	return slices.Sorted(maps.Keys(s.buckets)), nil
}

func find(items []item, key string) (int, bool) {
	return slices.BinarySearchFunc(items, key, func(it item, key string) int { return strings.Compare(it.key, key) })
}

// with returns the snapshot that the changes lead to.
func (s *snapshot) with(changes *overlay.Overlay) (*snapshot, error) {
	next := &snapshot{buckets: make(map[store.Bucket][]item, len(s.buckets)+1)}
	maps.Copy(next.buckets, s.buckets)
	copied := make(map[store.Bucket]bool)
	err := changes.Changes(func(b store.Bucket, key string, value []byte) error {
		items := next.buckets[b]
		if !copied[b] {
			items = slices.Clone(items)
			copied[b] = true
		}
		i, ok := find(items, key)
		switch {
		case value == nil && ok:
			items = slices.Delete(items, i, i+1)
		case value != nil && ok:
			items[i].value = value
		case value != nil:
			items = slices.Insert(items, i, item{key, value})
		}
		next.buckets[b] = items
		return nil
	})
	return next, err
}
