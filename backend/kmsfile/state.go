package kmsfile

import (
	"crypto/sha256"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// state is what the file says, with the keys in plain. It does not change: a change
// makes another one, which shares the keys.
type state struct {
	doc     *keyringfile.Document
	plain   map[keyring.ID]*secret.Bytes
	format  Format // that the file has
	lineage lineage

	stamps keyringfile.Stamps
	sum    [sha256.Size]byte // of the file's text; of no text if there is no file
	// restored: the file's backup counts. Sum is the file's all the same.
	restored bool
}

func newState(f Format) *state {
	return &state{doc: keyringfile.NewDocument(), plain: map[keyring.ID]*secret.Bytes{}, format: f, sum: sha256.Sum256(nil)}
}

// with returns a state of other elements. The keys are those of the IDs that are left.
func (s *state) with(d *keyringfile.Document) *state {
	n := *s
	n.doc, n.plain = d, make(map[keyring.ID]*secret.Bytes, len(d.Elements))
	for _, e := range d.Elements {
		if k, ok := s.plain[e.ID]; ok {
			n.plain[e.ID] = k
		}
	}
	return &n
}

// add adds a key; the state must not be in use yet, and owns the key then.
func (s *state) add(e *keyringfile.Element, plain *secret.Bytes) {
	s.doc.Add(e)
	s.plain[e.ID] = plain
}

// wipe wipes the keys that another state does not share.
func (s *state) wipe(other *state) {
	for id, k := range s.plain {
		if other == nil || other.plain[id] != k {
			k.Wipe()
		}
	}
}
