// Package usage keeps who used a key last, and when. A use is noted in memory, at the
// cost of some tens of nanoseconds, and written to the store once in a while: an answer
// to a client must not wait for the disk because of it. So a crash loses the uses since
// the last [Log.Flush], and no others.
package usage

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// Bucket is the table in the store: Unique Identifier → its uses as JSON.
const Bucket store.Bucket = "usage"

// sinceKey has the time from which on uses are kept. It is no Unique Identifier.
const sinceKey = ".since"

// Most is how many endpoints are kept for an object: those that used it last.
const Most = 16

// flushGroup is how many objects a commit writes.
const flushGroup = 1000

// Use is an endpoint's last use of an object, or one of its last.
type Use struct {
	Endpoint string    `json:"endpoint"`
	At       time.Time `json:"at"`
}

// Log notes uses. All methods may be called from many goroutines.
type Log struct {
	store  store.Store
	seed   maphash.Seed
	shards [64]shard
	flush  sync.Mutex
}

// shard has the uses that are not in the store yet.
type shard struct {
	mu   sync.Mutex
	uses map[string][]use
	_    [40]byte // of another shard's cache line
}

type use struct {
	endpoint string
	at       int64 // Unix nanoseconds
}

// New returns the log of a store.
func New(s store.Store) *Log { return &Log{store: s, seed: maphash.MakeSeed()} }

// Note notes that an endpoint uses an object now.
func (l *Log) Note(id, endpoint string, now time.Time) {
	s := &l.shards[maphash.String(l.seed, id)%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	uses := s.uses[id]
	for i := range uses {
		if uses[i].endpoint == endpoint {
			uses[i].at = now.UnixNano()
			return
		}
	}
	if s.uses == nil {
		s.uses = make(map[string][]use)
	}
	s.uses[id] = append(uses, use{endpoint, now.UnixNano()})
}

// Flush writes what was noted since the last time. keep says whether an object is still
// there. After an error the uses are noted still.
func (l *Log) Flush(ctx context.Context, now time.Time, keep func(id string) bool) error {
	l.flush.Lock()
	defer l.flush.Unlock()
	if err := l.begin(ctx, now); err != nil {
		return err
	}
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		taken := s.uses
		s.uses = nil
		s.mu.Unlock()
		if err := l.write(ctx, taken, keep); err != nil {
			l.putBack(taken)
			return fmt.Errorf("write who used which key: %w", err)
		}
	}
	return nil
}

// begin notes from when on uses are kept.
func (l *Log) begin(ctx context.Context, now time.Time) error {
	since, err := l.Since()
	if err != nil || !since.IsZero() {
		return err
	}
	text, err := now.UTC().MarshalText()
	if err != nil {
		return err
	}
	return l.store.Update(ctx, func(w store.Writer) error { return w.Put(Bucket, sinceKey, text) })
}

// Since is from when on uses are kept: zero if none has been written yet.
func (l *Log) Since() (since time.Time, err error) {
	err = l.store.View(func(r store.Reader) error {
		text, ok, err := r.Get(Bucket, sinceKey)
		if err != nil || !ok {
			return err
		}
		return since.UnmarshalText(text)
	})
	return since, err
}

func (l *Log) write(ctx context.Context, taken map[string][]use, keep func(string) bool) error {
	ids := make([]string, 0, len(taken))
	for id := range taken {
		ids = append(ids, id)
	}
	for group := range slices.Chunk(ids, flushGroup) {
		err := l.store.Update(ctx, func(w store.Writer) error {
			for _, id := range group {
				if !keep(id) {
					continue
				}
				uses, err := read(w, id)
				if err != nil {
					return err
				}
				text, err := json.Marshal(merge(uses, taken[id]))
				if err != nil {
					return err
				}
				if err := w.Put(Bucket, id, text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) putBack(taken map[string][]use) {
	for id, uses := range taken {
		for _, u := range uses {
			s := &l.shards[maphash.String(l.seed, id)%uint64(len(l.shards))]
			s.mu.Lock()
			known := slices.ContainsFunc(s.uses[id], func(newer use) bool { return newer.endpoint == u.endpoint })
			s.mu.Unlock()
			if !known {
				l.Note(id, u.endpoint, time.Unix(0, u.at))
			}
		}
	}
}

func read(r store.Reader, id string) (uses []Use, err error) {
	text, ok, err := r.Get(Bucket, id)
	if err != nil || !ok {
		return nil, err
	}
	if err := json.Unmarshal(text, &uses); err != nil {
		return nil, fmt.Errorf("who used the object %s: %w", id, err)
	}
	return uses, nil
}

// merge returns the last uses, the newest first.
func merge(uses []Use, more []use) []Use {
	for _, m := range more {
		at := time.Unix(0, m.at).UTC()
		i := slices.IndexFunc(uses, func(u Use) bool { return u.Endpoint == m.endpoint })
		switch {
		case i < 0:
			uses = append(uses, Use{m.endpoint, at})
		case at.After(uses[i].At):
			uses[i].At = at
		}
	}
	slices.SortFunc(uses, func(a, b Use) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Endpoint, b.Endpoint))
	})
	return uses[:min(len(uses), Most)]
}

// Of returns who used an object last, the newest first, [Most] endpoints at most.
func (l *Log) Of(id string) (uses []Use, err error) {
	l.flush.Lock() // what is being written is neither noted nor in the store
	defer l.flush.Unlock()
	if err := l.store.View(func(r store.Reader) (err error) { uses, err = read(r, id); return err }); err != nil {
		return nil, err
	}
	s := &l.shards[maphash.String(l.seed, id)%uint64(len(l.shards))]
	s.mu.Lock()
	noted := slices.Clone(s.uses[id])
	s.mu.Unlock()
	return merge(uses, noted), nil
}

// Forget removes the uses of an object in the transaction that destroys it.
func Forget(w store.Writer, id string) error { return w.Delete(Bucket, id) }
