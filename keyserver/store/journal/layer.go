package journal

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/btree"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/overlay"
)

// change is a new value, or nil for a deletion.
type change struct {
	bucket store.Bucket
	key    string
	value  []byte
}

// layer has changes in order of bucket and key. Once it is part of a state it does not
// change: the next state has a clone, which shares what is equal.
type layer = btree.BTreeG[change]

func newLayer() *layer {
	return btree.NewG(32, func(a, b change) bool {
		return cmp.Or(strings.Compare(string(a.bucket), string(b.bucket)), strings.Compare(a.key, b.key)) < 0
	})
}

// layered is a layer over a Reader.
type layered struct {
	*layer
	below store.Reader
}

// Get implements [store.Reader].
func (l layered) Get(b store.Bucket, key string) ([]byte, bool, error) {
	if c, ok := l.layer.Get(change{bucket: b, key: key}); ok {
		return c.value, c.value != nil, nil
	}
	return l.below.Get(b, key)
}

// Range implements [store.Reader].
func (l layered) Range(b store.Bucket, prefix string, fn func(string, []byte) error) error {
	var changes []overlay.Change
	l.AscendGreaterOrEqual(change{bucket: b, key: prefix}, func(c change) bool {
		if c.bucket != b || !strings.HasPrefix(c.key, prefix) {
			return false
		}
		changes = append(changes, overlay.Change{Key: c.key, Value: c.value})
		return true
	})
	return overlay.Merge(l.below, b, prefix, changes, fn)
}

// Buckets implements [store.Reader].
func (l layered) Buckets() ([]store.Bucket, error) {
	all, err := l.below.Buckets()
	if err != nil {
		return nil, err
	}
	l.Ascend(func(c change) bool { // a bucket at a time
		if !slices.Contains(all, c.bucket) {
			all = append(all, c.bucket)
		}
		return true
	})
	slices.Sort(all)
	return all, nil
}

// visible is the store below without the journal's own bucket.
type visible struct{ store.Reader }

// Buckets implements [store.Reader].
func (v visible) Buckets() ([]store.Bucket, error) {
	all, err := v.Reader.Buckets()
	return slices.DeleteFunc(all, func(b store.Bucket) bool { return b == bucket }), err
}
