package kmsdata

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// entry is a key as it is kept: there is no room for its bytes.
type entry struct {
	id   keyring.ID
	typ  string
	blob awskms.Blob
}

// content is what a data file holds. It is never changed, but replaced.
type content struct {
	identity   string // 32 hexadecimal digits, made with the file
	generation uint64 // one more with each change
	order      []keyring.ID
	entries    map[keyring.ID]entry
}

// newContent is that of a new file.
func newContent() *content {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return &content{identity: hex.EncodeToString(b), generation: 1, entries: map[keyring.ID]entry{}}
}

// next is a copy to change, of the next generation.
func (c *content) next() *content {
	return &content{c.identity, c.generation + 1, slices.Clone(c.order), maps.Clone(c.entries)}
}

// with is the next content, with further keys. ErrExists: one is there already.
func (c *content) with(es ...entry) (*content, error) {
	n := c.next()
	for _, e := range es {
		if _, taken := n.entries[e.id]; taken {
			return nil, &idError{e.id, keyring.ErrExists}
		}
		n.order = append(n.order, e.id)
		n.entries[e.id] = e
	}
	return n, nil
}

// without is the next content, without a key. ErrNotFound: there is none.
func (c *content) without(id keyring.ID) (*content, error) {
	if _, there := c.entries[id]; !there {
		return nil, keyring.ErrNotFound
	}
	n := c.next()
	delete(n.entries, id)
	n.order = slices.DeleteFunc(n.order, func(o keyring.ID) bool { return o == id })
	return n, nil
}

// idError is an error about one key of several.
type idError struct {
	id  keyring.ID
	err error
}

func (e *idError) Error() string { return e.id.String() + ": " + e.err.Error() }
func (e *idError) Unwrap() error { return e.err }
