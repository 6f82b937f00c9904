package masterkey

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// MaxKeyID is the longest keyid in bytes.
const MaxKeyID = 255

// Store is an open key store: it has the data keys of a database. Its methods may be
// called from many goroutines.
type Store struct {
	file file
	log  *slog.Logger

	mu     sync.Mutex
	now    *content
	keys   *keys
	unlock func()
	fault  error // a write whose outcome is not known
	closed bool
}

var errClosed = errors.New("the key store is closed")

// Master returns the master key in use.
func (s *Store) Master() Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.now.Master
}

// KeyIDs returns the keyids that have data keys.
func (s *Store) KeyIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, d := range s.now.Keys {
		if !slices.Contains(ids, d.ID) {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// DataKeys returns the data keys of a keyid, the newest last, for the caller to wipe. For
// a keyid without any it makes one, which is durable when it returns: the store is
// whole, so that nothing can have been encrypted under that keyid before. mayMake false:
// it must have one (keyring.ErrNotFound).
func (s *Store) DataKeys(keyid string, mayMake bool) ([]blockcipher.DataKey, error) {
	const op = "use data"
	id := keyring.ID{Name: keyid}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(keyid); err != nil {
		return nil, keyring.E(op, id, keyring.ErrInvalid, err)
	}
	found, err := s.unwrap(keyid)
	switch {
	case err != nil:
		return nil, keyring.E(op, id, keyring.ErrCorrupt, err)
	case len(found) > 0:
		return found, nil
	case !mayMake:
		return nil, keyring.E(op, id, keyring.ErrNotFound, fmt.Errorf("%s has no data key of this keyid", s.file.path()))
	}
	return s.add(keyid)
}

// Roll makes a new data key for a keyid, under which blocks are encrypted from then on.
// It returns all of them, as DataKeys does.
func (s *Store) Roll(keyid string) ([]blockcipher.DataKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(keyid); err != nil {
		return nil, keyring.E("roll data", keyring.ID{Name: keyid}, keyring.ErrInvalid, err)
	}
	return s.add(keyid)
}

// usable says what speaks against a call. The caller holds s.mu.
func (s *Store) usable(keyid string) error {
	switch {
	case s.closed:
		return errClosed
	case s.fault != nil:
		return s.fault
	case keyid == "" || len(keyid) > MaxKeyID:
		return fmt.Errorf("a keyid has 1 to %d bytes, not %d", MaxKeyID, len(keyid))
	case !utf8.ValidString(keyid) || strings.ContainsFunc(keyid, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("a keyid is printable text in UTF-8")
	}
	return nil
}

// unwrap returns the keys of a keyid. The caller holds s.mu.
func (s *Store) unwrap(keyid string) (found []blockcipher.DataKey, err error) {
	for _, d := range s.now.Keys {
		if d.ID != keyid {
			continue
		}
		key, err := s.keys.open(s.now.Store, d)
		if err != nil {
			for _, k := range found {
				k.Key.Wipe()
			}
			return nil, err
		}
		found = append(found, blockcipher.DataKey{Tag: tagOf(d.Tag), Key: key})
	}
	return found, nil
}

// tagOf reads what newTag has made; a store that is authentic has no other.
func tagOf(text string) (tag blockcipher.Tag) {
	_, _ = hex.Decode(tag[:], []byte(text)[:min(len(text), hex.EncodedLen(len(tag)))])
	return tag
}

// add makes a data key. The caller holds s.mu.
func (s *Store) add(keyid string) ([]blockcipher.DataKey, error) {
	const op = "make data"
	id := keyring.ID{Name: keyid}
	next := s.now.clone()
	tag, err := next.newTag()
	if err != nil {
		return nil, keyring.E(op, id, keyring.ErrInvalid, err)
	}
	key := secret.Random(Size)
	defer key.Wipe()
	wrapped, err := s.keys.seal(next.Store, keyid, tag, key)
	if err != nil {
		return nil, keyring.E(op, id, keyring.ErrInvalid, err)
	}
	next.Keys = append(next.Keys, dataKey{ID: keyid, Tag: tag, Key: wrapped, Created: time.Now().UTC().Truncate(time.Second)})
	if err := s.commit(next); err != nil {
		return nil, keyring.E(op, id, keyring.ErrReadOnly, fmt.Errorf("the key store cannot be written: %w. See to the room and the rights in %s", err, s.file.dir))
	}
	return s.unwrap(keyid)
}

// commit writes a content and takes it over. When it fails the old one counts, on disk
// and here; if that is not sure, the store is of no more use. The caller holds s.mu.
func (s *Store) commit(next *content) error {
	next.Generation = s.now.Generation + 1
	if err := s.keys.sign(next); err != nil {
		return err
	}
	err := s.file.write(next)
	if err == nil {
		s.now = next
		return nil
	}
	switch there, readErr := s.file.read(); {
	case readErr == nil && there != nil && there.Sum == s.now.Sum: // nothing happened
	case readErr == nil && there != nil && there.Sum == next.Sum: // only its durability is in doubt
		if s.file.write(next) == nil {
			s.now = next
			return nil
		}
		fallthrough
	default:
		s.fault = fmt.Errorf("a write of the key store %s failed (%w), and it is not known what it holds: open the database again", s.file.path(), err)
	}
	return err
}

// Close wipes what is secret and lets other processes use the store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.keys.wipe()
	s.unlock()
	return nil
}
