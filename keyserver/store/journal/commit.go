package journal

import (
	"context"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/overlay"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/queue"
)

// commit carries out a group of Updates and answers each.
func (s *Store) commit(group []*queue.Update) {
	s.mu.Lock()
	changed, changes, err := s.run(group)
	if err == nil && len(changed) > 0 {
		err = s.keep(changes)
	}
	s.mu.Unlock()
	if err != nil {
		err = fmt.Errorf("write the key store: %w", err)
	}
	for _, u := range changed {
		u.Answer(err)
	}
	if err != nil {
		for _, u := range group {
			u.Refuse(err)
		}
	}
}

// run runs a group and answers those that change nothing.
func (s *Store) run(group []*queue.Update) (changed []*queue.Update, changes *layer, err error) {
	changes = newLayer()
	err = s.base.View(func(r store.Reader) error {
		view := layered{changes, s.state.Load().over(r)}
		for _, u := range group {
			if !u.Take() {
				continue // given up by its caller
			}
			mine := overlay.New(view)
			err := u.Run(mine)
			if err == nil {
				err = check(mine)
			}
			if err != nil || mine.Empty() {
				u.Answer(err)
				continue
			}
			changed = append(changed, u)
			_ = mine.Changes(func(b store.Bucket, key string, value []byte) error {
				changes.ReplaceOrInsert(change{b, key, value})
				return nil
			})
		}
		return nil
	})
	return changed, changes, err
}

// check refuses a change to the bucket that is the journal's own.
func check(changes *overlay.Overlay) error {
	return changes.Changes(func(b store.Bucket, _ string, _ []byte) error {
		if b == bucket {
			return fmt.Errorf("the bucket %s is the journal's own", bucket)
		}
		return nil
	})
}

// keep makes the changes durable and shows them.
func (s *Store) keep(changes *layer) error {
	size := recordSize(changes)
	if size > segmentSize-headerSize || !s.ready() {
		return s.direct(changes)
	}
	if err := s.room(size); err != nil {
		return err
	}
	s.seq++ // even if it fails: its number must not come twice
	s.buf = appendRecord(s.buf[:0], s.files.id, s.seq, s.kept, changes)
	if err := s.files.append(s.buf); err != nil {
		return err // the next record takes its place, and does not count it in
	}
	s.kept = s.seq
	st := *s.state.Load()
	if st.upper == nil {
		st.upper = changes
	} else {
		st.upper = st.upper.Clone()
		changes.Ascend(func(c change) bool { st.upper.ReplaceOrInsert(c); return true })
	}
	s.state.Store(&st)
	return nil
}

// room makes sure that the segment has so many bytes left.
func (s *Store) room(size int) error {
	if s.files.room() >= size {
		return nil
	}
	if err := s.bringDown(); err != nil {
		return err
	}
	s.turn()
	select {
	case s.kick <- struct{}{}:
	default:
	}
	return nil
}

// direct writes into the store below: what is larger than a segment, or all if there
// can be no journal.
func (s *Store) direct(changes *layer) error {
	if err := s.empty(); err != nil {
		return err
	}
	s.seq++
	if err := s.below(changes, s.seq); err != nil {
		return err
	}
	s.kept = s.seq
	return nil
}

// below brings changes into the store below, with the note that all records up to seq
// are there.
func (s *Store) below(changes *layer, seq uint64) error {
	return s.base.Update(context.Background(), func(w store.Writer) (err error) {
		changes.Ascend(func(c change) bool {
			if c.value == nil {
				err = w.Delete(c.bucket, c.key)
			} else {
				err = w.Put(c.bucket, c.key, c.value)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
		return putNumber(w, seq)
	})
}

// turn makes the upper layer the lower one, which must be empty, and goes on in the
// other segment.
func (s *Store) turn() {
	st := s.state.Load()
	s.state.Store(&state{lower: st.upper, removed: st.removed})
	s.lowerSeq = s.kept
	if s.files != nil {
		s.files.turn()
	}
}

// bringDown brings the lower layer into the store below. Others may go on meanwhile:
// s.mu is not held all the time.
func (s *Store) bringDown() error {
	for s.busy {
		s.idle.Wait()
	}
	lower, seq := s.state.Load().lower, s.lowerSeq
	if lower == nil {
		return nil
	}
	s.busy = true
	s.mu.Unlock()
	err := s.below(lower, seq)
	s.mu.Lock()
	s.busy = false
	s.idle.Broadcast()
	if err == nil {
		st := s.state.Load()
		s.state.Store(&state{upper: st.upper, removed: st.removed + 1})
	}
	return err
}

// empty brings both layers below.
func (s *Store) empty() error {
	if err := s.bringDown(); err != nil {
		return err
	}
	if s.state.Load().upper == nil {
		return nil
	}
	s.turn()
	return s.bringDown()
}

// tidy is the goroutine that brings layers below, until the store is closed.
func (s *Store) tidy() {
	defer close(s.stopped)
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		all := false
		select {
		case <-s.stop:
			return
		case <-s.kick:
		case <-tick.C:
			all = true
		}
		s.mu.Lock()
		err := s.bringDown()
		if st := s.state.Load(); all && err == nil && st.lower == nil && st.upper != nil {
			s.turn()
			err = s.bringDown()
		}
		s.tell(err)
		s.mu.Unlock()
	}
}

// tell logs the first failure, and that it is over.
func (s *Store) tell(err error) {
	switch {
	case err != nil && s.failure == nil:
		s.log.Error("the journal cannot be brought into the key store; changes are taken until it is full", "journal", s.path, "error", err)
	case err == nil && s.failure != nil:
		s.log.Info("the journal is brought into the key store again", "journal", s.path)
	}
	s.failure = err
}
