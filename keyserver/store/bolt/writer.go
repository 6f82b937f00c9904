package bolt

import (
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/overlay"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/queue"
)

// commit carries out a group of Updates and answers each.
func (s *Store) commit(group []*queue.Update) {
	var changed []*queue.Update // those whose answer depends on the commit
	err := s.transaction(func(tx *bbolt.Tx) (bool, error) {
		for _, u := range group {
			if !u.Take() {
				continue // given up by its caller
			}
			changes := overlay.New(reader{tx})
			if err := u.Run(changes); err != nil || changes.Empty() {
				u.Answer(err)
				continue
			}
			changed = append(changed, u)
			if err := apply(tx, changes); err != nil {
				return false, err
			}
		}
		return len(changed) > 0, nil
	})
	if err != nil {
		err = fmt.Errorf("write the key store %s: %w", s.db.Path(), err)
	}
	for _, u := range changed {
		u.Answer(err)
	}
	if err != nil { // in the middle of a group it leaves those behind it undone
		for _, u := range group {
			u.Refuse(err)
		}
	}
}

// transaction commits what fn did if fn says so. Whatever bbolt does, a panic
// included, no transaction stays open: it would block every later one.
func (s *Store) transaction(fn func(*bbolt.Tx) (bool, error)) (err error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return closedError(err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: %v", p)
		}
		_ = tx.Rollback() // says only that a committed transaction is closed
	}()
	commit, err := fn(tx)
	if err != nil || !commit {
		return err
	}
	return tx.Commit()
}

func apply(tx *bbolt.Tx, changes *overlay.Overlay) error {
	return changes.Changes(func(b store.Bucket, key string, value []byte) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte(b))
		if err != nil {
			return err
		}
		if value == nil {
			return bucket.Delete([]byte(key))
		}
		return bucket.Put([]byte(key), value)
	})
}
