package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// What the store below knows of the journal, in a bucket that is not shown above:
// the id of the segments, as long as there are any; and the number of the last record
// whose changes are below.
const (
	bucket    store.Bucket = "journal"
	idKey                  = "id"
	numberKey              = "applied"
)

// makeAgain is how long it does without a journal when the files cannot be made.
const makeAgain = 10 * time.Second

// ErrDamaged: the journal is not, or not all, of what was written.
var ErrDamaged = errors.New("the key store's journal is damaged")

func putNumber(w store.Writer, seq uint64) error {
	return w.Put(bucket, numberKey, binary.BigEndian.AppendUint64(nil, seq))
}

// takeOver reads what a process that ended without Close has left. It needs no room on
// the disk: the changes become the lower layer, which goes below when it can.
func (s *Store) takeOver() error {
	id, known, err := s.notes()
	if err != nil {
		return err
	}
	s.seq = s.kept
	if !known {
		removeSegments(s.path)
		return nil
	}
	files, all, err := readSegments(s.path, id, s.open)
	if err != nil {
		return s.damaged(err)
	}
	lower, last, err := replay(all, s.kept)
	if err != nil {
		return errors.Join(s.damaged(err), files.close())
	}
	s.files, s.registered = files, true
	for _, r := range all {
		s.seq = max(s.seq, r.seq)
	}
	s.kept = max(s.kept, last)
	if lower.Len() > 0 {
		s.state.Store(&state{lower: lower})
		s.lowerSeq = s.kept
		s.log.Info("took over what lay in the journal only", "journal", s.path, "changes", lower.Len())
		s.kick <- struct{}{}
	}
	return nil
}

// notes reads what the store below knows. known: there are segments.
func (s *Store) notes() (id journalID, known bool, err error) {
	err = s.base.View(func(r store.Reader) error {
		v, ok, err := r.Get(bucket, idKey)
		if err != nil {
			return err
		}
		number, numbered, err := r.Get(bucket, numberKey)
		if err != nil {
			return err
		}
		if ok && len(v) != len(id) || numbered && len(number) != 8 {
			return fmt.Errorf("%w: the key store's note of it cannot be read. Restore a backup", ErrDamaged)
		}
		known = ok
		copy(id[:], v)
		if numbered {
			s.kept = binary.BigEndian.Uint64(number)
		}
		return nil
	})
	return id, known, err
}

func (s *Store) damaged(err error) error {
	return fmt.Errorf("%w: %w. Put back the files %s.0 and %s.1 that were beside the key store, or restore a backup", ErrDamaged, err, s.path, s.path)
}

// ErrWhole: the journal is not damaged.
var ErrWhole = errors.New("the journal is whole, and nothing of it has to be forgotten")

// Forget lets a store be opened without its journal, if that is damaged: what was in the
// journal only, the changes of some seconds, is lost. The files stay, under names that
// end in .forgotten. An error that is [ErrWhole] means that nothing was done.
func Forget(base store.Store, path string) error {
	s := &Store{base: base, path: path, log: slog.New(slog.DiscardHandler), open: openFile, kick: make(chan struct{}, 1)}
	err := s.takeOver()
	if err == nil {
		if s.files != nil {
			err = s.files.close()
		}
		return errors.Join(ErrWhole, err)
	}
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	for i := range 2 {
		from := segmentPath(path, i)
		if err := os.Rename(from, from+".forgotten"); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return s.forgetNotes()
}

// replay returns the changes of the records after number applied, and the number of the
// last one. The last one may not have been acknowledged; all before it were, and none
// may be missing.
func replay(all []record, applied uint64) (changes *layer, last uint64, err error) {
	byNumber := make(map[uint64]record)
	for _, r := range all {
		if r.seq > applied {
			byNumber[r.seq] = r
			last = max(last, r.seq)
		}
	}
	var chain []record
	for n := last; n > applied; {
		r, ok := byNumber[n]
		if !ok || r.last >= n {
			return nil, 0, fmt.Errorf("change %d is missing or damaged, and there are later ones up to %d", n, last)
		}
		chain = append(chain, r)
		n = r.last
	}
	changes = newLayer()
	for _, r := range slices.Backward(chain) {
		if err := r.read(changes); err != nil {
			return nil, 0, fmt.Errorf("change %d: %w", r.seq, err)
		}
	}
	return changes, last, nil
}

// ready makes the segments if there are none, and says whether there are.
func (s *Store) ready() bool {
	if s.registered {
		return true
	}
	if time.Now().Before(s.again) {
		return false
	}
	var err error
	if s.files == nil {
		s.files, err = makeSegments(s.path, s.open)
	}
	if err == nil {
		// If it fails the note may be there nevertheless, so the files stay.
		err = s.base.Update(context.Background(), func(w store.Writer) error {
			return errors.Join(w.Put(bucket, idKey, s.files.id[:]), putNumber(w, s.kept))
		})
	}
	if err != nil {
		s.again = time.Now().Add(makeAgain)
		s.log.Warn("the key store goes without its journal, and is slower", "journal", s.path, "error", err)
		return false
	}
	s.registered = true
	return true
}

// discard removes the segments of an empty journal, and the notes of it.
func (s *Store) discard() error {
	if s.files == nil {
		return nil
	}
	err := s.forgetNotes()
	if err == nil {
		removeSegments(s.path)
	}
	return err
}

func (s *Store) forgetNotes() error {
	return s.base.Update(context.Background(), func(w store.Writer) error {
		return errors.Join(w.Delete(bucket, idKey), w.Delete(bucket, numberKey))
	})
}
