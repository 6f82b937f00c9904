// Package overlay lets a transaction's changes be collected beside the store, so
// that they are made only if the transaction's function succeeds.
package overlay

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// The limits of what can be kept, those of the narrowest store.
const (
	MaxKeySize   = 32 << 10
	MaxValueSize = 64 << 20
)

// entry is a change: a new value, or nil for a deletion.
type entry struct{ value []byte }

// Overlay is a [store.Writer] over a Reader that it does not change. It is for
// one goroutine.
type Overlay struct {
	base    store.Reader
	changes map[store.Bucket]map[string]entry
}

// New returns an empty overlay over base.
func New(base store.Reader) *Overlay { return &Overlay{base: base} }

// Get implements [store.Reader].
func (o *Overlay) Get(b store.Bucket, key string) ([]byte, bool, error) {
	if e, ok := o.changes[b][key]; ok {
		return e.value, e.value != nil, nil
	}
	return o.base.Get(b, key)
}

// Range implements [store.Reader]. It shows the state at its beginning: fn may
// change the store meanwhile.
func (o *Overlay) Range(b store.Bucket, prefix string, fn func(string, []byte) error) error {
	changes := maps.Clone(o.changes[b])
	var keys []string
	for key := range changes {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	// emit calls fn for the changed keys that come before limit.
	emit := func(before string, all bool) error {
		for len(keys) > 0 && (all || keys[0] < before) {
			key := keys[0]
			keys = keys[1:]
			if value := changes[key].value; value != nil {
				if err := fn(key, value); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := o.base.Range(b, prefix, func(key string, value []byte) error {
		if err := emit(key, false); err != nil {
			return err
		}
		if _, changed := changes[key]; changed {
			return nil // emitted in its turn, or deleted
		}
		return fn(key, value)
	})
	if err != nil {
		return err
	}
	return emit("", true)
}

// Buckets implements [store.Reader].
func (o *Overlay) Buckets() ([]store.Bucket, error) {
	all, err := o.base.Buckets()
	if err != nil {
		return nil, err
	}
	for b := range o.changes {
		if !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	slices.Sort(all)
	return all, nil
}

// Put implements [store.Writer]. It copies the value.
func (o *Overlay) Put(b store.Bucket, key string, value []byte) error {
	switch {
	case b == "":
		return errors.New("a bucket has a name")
	case key == "":
		return fmt.Errorf("bucket %s: a key is not empty", b)
	case len(key) > MaxKeySize:
		return fmt.Errorf("bucket %s: a key of %d bytes is longer than %d", b, len(key), MaxKeySize)
	case len(value) > MaxValueSize:
		return fmt.Errorf("bucket %s: a value of %d bytes is longer than %d", b, len(value), MaxValueSize)
	}
	o.set(b, key, entry{append(make([]byte, 0, len(value)), value...)})
	return nil
}

// Delete implements [store.Writer]. Deleting what is not there is no error.
func (o *Overlay) Delete(b store.Bucket, key string) error {
	o.set(b, key, entry{})
	return nil
}

func (o *Overlay) set(b store.Bucket, key string, e entry) {
	if o.changes == nil {
		o.changes = make(map[store.Bucket]map[string]entry)
	}
	if o.changes[b] == nil {
		o.changes[b] = make(map[string]entry)
	}
	o.changes[b][key] = e
}

// Changes calls fn for each change, bucket by bucket, keys in order, until fn
// returns an error. The value of a deletion is nil, that of an empty value is not.
func (o *Overlay) Changes(fn func(b store.Bucket, key string, value []byte) error) error {
	for _, b := range slices.Sorted(maps.Keys(o.changes)) {
		for _, key := range slices.Sorted(maps.Keys(o.changes[b])) {
			if err := fn(b, key, o.changes[b][key].value); err != nil {
				return err
			}
		}
	}
	return nil
}

// Empty says whether nothing was changed.
func (o *Overlay) Empty() bool { return len(o.changes) == 0 }
