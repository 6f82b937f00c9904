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
	var changes []Change
	for key, e := range o.changes[b] {
		if strings.HasPrefix(key, prefix) {
			changes = append(changes, Change{key, e.value})
		}
	}
	slices.SortFunc(changes, func(x, y Change) int { return strings.Compare(x.Key, y.Key) })
	return Merge(o.base, b, prefix, changes, fn)
}

// Change is a changed key of a bucket. Its Value is nil if it was deleted.
type Change struct {
	Key   string
	Value []byte
}

// Merge is base's Range with changes over it: those of the keys that begin with prefix,
// in byte order.
func Merge(base store.Reader, b store.Bucket, prefix string, changes []Change, fn func(string, []byte) error) error {
	emit := func(c Change) error {
		if c.Value == nil {
			return nil
		}
		return fn(c.Key, c.Value)
	}
	err := base.Range(b, prefix, func(key string, value []byte) error {
		for len(changes) > 0 && changes[0].Key < key {
			c := changes[0]
			changes = changes[1:]
			if err := emit(c); err != nil {
				return err
			}
		}
		if len(changes) > 0 && changes[0].Key == key {
			c := changes[0]
			changes = changes[1:]
			return emit(c)
		}
		return fn(key, value)
	})
	if err != nil {
		return err
	}
	for _, c := range changes {
		if err := emit(c); err != nil {
			return err
		}
	}
	return nil
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
