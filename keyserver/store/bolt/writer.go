package bolt

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/overlay"
)

// maxGroup bounds how many Updates share a commit, and so how long the first of
// them waits.
const maxGroup = 256

// request is one Update on its way through the writer.
type request struct {
	fn     func(store.Writer) error
	state  atomic.Int32
	ran    chan struct{} // closed when fn will not run any more
	result chan error    // has room for the one answer, so the writer never waits
}

// The states of a request: whoever moves it from waiting to taken decides.
const (
	waiting int32 = iota
	taken
)

// write is the writer goroutine: it ends when the queue is closed and empty.
func (s *Store) write() {
	defer close(s.done)
	for first := range s.queue {
		group := []*request{first}
	fill:
		for len(group) < maxGroup {
			select {
			case r, ok := <-s.queue:
				if !ok {
					break fill
				}
				group = append(group, r)
			default:
				break fill
			}
		}
		s.commit(group)
	}
}

// commit carries out a group of Updates and answers each.
func (s *Store) commit(group []*request) {
	var changed []*request // those whose answer depends on the commit
	err := s.transaction(func(tx *bbolt.Tx) (bool, error) {
		for _, r := range group {
			if !r.state.CompareAndSwap(waiting, taken) {
				continue // given up by its caller
			}
			changes := overlay.New(reader{tx})
			err := run(r.fn, changes)
			close(r.ran)
			if err != nil || changes.Empty() {
				r.result <- err
				continue
			}
			changed = append(changed, r)
			if err := apply(tx, changes); err != nil {
				return false, err
			}
		}
		return len(changed) > 0, nil
	})
	if err != nil {
		err = fmt.Errorf("write the key store %s: %w", s.db.Path(), err)
	}
	for _, r := range changed {
		r.result <- err
	}
	// An error in the middle of a group leaves those behind it undone.
	for _, r := range group {
		if err != nil && r.state.CompareAndSwap(waiting, taken) {
			close(r.ran)
			r.result <- err
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

// run calls fn. The writer survives its panic.
func run(fn func(store.Writer) error, w store.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: a change panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(w)
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
