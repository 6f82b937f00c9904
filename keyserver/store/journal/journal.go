// Package journal makes the changes of another store durable faster: they are appended
// to a journal, one write and one fdatasync for all that wait, and brought into the
// store below in the background, many at a time.
//
//	View    the layers in memory (changes that are in the journal only) over the
//	        store below
//	Update  runs on that view; its changes are one record of the journal together
//	        with those of all Updates that waited, and then part of the upper layer
//	tidy    when a segment is full, and each second, the upper layer becomes the
//	        lower one, the other segment is written from its beginning, and the lower
//	        layer goes into the store below with one commit
//
// The journal has two files of [segmentSize] bytes, so that one is written while the
// content of the other goes below. They are made at the first change and removed by
// Close: a store that was closed consists of the store below only.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/queue"
)

// tidyEvery is how long a change lies in the journal only. The store below is written
// once in that time, whatever comes.
const tidyEvery = time.Second

// Store is a store with a journal in front.
type Store struct {
	base    store.Store
	path    string // of the segments, less their number
	log     *slog.Logger
	updates *queue.Queue
	state   atomic.Pointer[state]

	kick    chan struct{} // there is a lower layer
	stop    chan struct{}
	stopped chan struct{}

	mu         sync.Mutex // guards what follows; state changes under it
	idle       sync.Cond  // busy has ended
	busy       bool       // the lower layer is on its way below
	files      *segments  // nil: there are none
	registered bool       // the store below knows of them
	again      time.Time  // when files may be made, after that has failed
	seq        uint64     // number of the last record that was begun
	kept       uint64     // of the last one that counts
	lowerSeq   uint64     // of the last one in the lower layer
	failure    error      // of what tidy tried last
	buf        []byte
	open       opener
}

// state is what readers see over the store below. It never changes.
type state struct {
	upper, lower *layer // nil: empty
	removed      uint64 // how many lower layers have gone below
}

// over returns the view of the state and of the store below.
func (st *state) over(r store.Reader) store.Reader {
	r = visible{r}
	for _, l := range []*layer{st.lower, st.upper} {
		if l != nil {
			r = layered{l, r}
		}
	}
	return r
}

// Open puts a journal in front of base, in the files path.0 and path.1. What a process
// that ended without Close has left there is read first. Close closes base, too; if
// Open fails it is left open.
func Open(base store.Store, path string, log *slog.Logger) (*Store, error) {
	return open(base, path, log, openFile)
}

func open(base store.Store, path string, log *slog.Logger, opener opener) (*Store, error) {
	s := &Store{
		base: base, path: path, log: log, open: opener,
		kick: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.idle.L = &s.mu
	s.state.Store(&state{})
	if err := s.takeOver(); err != nil {
		return nil, err
	}
	s.updates = queue.New(s.commit)
	go s.tidy()
	return s, nil
}

// errAgain: a layer went below while the view was being made.
var errAgain = errors.New("the view is not of one moment")

// View implements [store.Store].
func (s *Store) View(fn func(store.Reader) error) error {
	for {
		before := s.state.Load()
		err := s.base.View(func(r store.Reader) error {
			// The view of the store below has all that had gone there by the first look,
			// and nothing that is not in the layers of the second one.
			st := s.state.Load()
			if st.removed != before.removed {
				return errAgain
			}
			return fn(st.over(r))
		})
		if err != errAgain { // never wrapped
			return err
		}
	}
}

// Update implements [store.Store]. After an error of the disk the change may come to
// light at the next start; the store stays usable.
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	return s.updates.Do(ctx, fn)
}

// Err returns why the journal could not be brought into the store below when that was
// tried last, or nil. Changes are taken until the journal is full.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Close implements [store.Store]. If the changes cannot be brought below they stay in
// the journal, and it says so: nothing is lost.
func (s *Store) Close() error {
	if !s.updates.Close() {
		return nil
	}
	close(s.stop)
	<-s.stopped
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.empty()
	if err == nil {
		err = s.discard()
	}
	if err != nil {
		err = fmt.Errorf("bring the journal %s into the key store: %w. Nothing is lost: the next start tries again", s.path, err)
	}
	if s.files != nil {
		err = errors.Join(err, s.files.close())
	}
	return errors.Join(err, s.base.Close())
}
