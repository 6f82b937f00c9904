package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
)

var errDisk = errors.New("the disk failed")

// world is a store below that outlives crashes, and the files of the journal.
type world struct {
	testing.TB
	base *faultyBase
	path string
	disk faultyDisk
	said bytes.Buffer
	log  *slog.Logger
}

func newWorld(t testing.TB, dir string) *world {
	w := &world{TB: t, base: &faultyBase{Store: memory.New()}, path: filepath.Join(dir, "journal")}
	w.log = slog.New(slog.NewTextHandler(&w.said, nil))
	return w
}

func (w *world) try() (*Store, error) { return open(w.base, w.path, w.log, w.disk.open) }

func (w *world) open() *Store {
	w.Helper()
	s, err := w.try()
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// crash ends s as the end of its process would: what is in memory only is gone.
func (w *world) crash(s *Store) {
	s.updates.Close()
	close(s.stop)
	<-s.stopped
	if s.files != nil {
		s.files.close()
	}
}

// there compares the content of bucket b.
func (w *world) there(s store.Store, want ...string) {
	w.Helper()
	got := storetest.Dump(w, s, "b", "")
	ok := len(got) == len(want)
	for _, key := range want {
		_, found := got[key]
		ok = ok && found
	}
	if !ok {
		w.Errorf("the store has %q, not %q", slices.Sorted(maps.Keys(got)), want)
	}
}

func put(s store.Store, key string) error {
	return s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, []byte("of "+key)) })
}

// faultyBase fails Updates as long as fail says so. lost: after it was made.
type faultyBase struct {
	store.Store
	fail, lost atomic.Bool
	commits    atomic.Int32
	inView     func() // what happens while a view is being made
}

func (b *faultyBase) View(fn func(store.Reader) error) error {
	return b.Store.View(func(r store.Reader) error {
		if f := b.inView; f != nil {
			b.inView = nil
			f()
		}
		return fn(r)
	})
}

func (b *faultyBase) Update(ctx context.Context, fn func(store.Writer) error) error {
	b.commits.Add(1)
	if b.fail.Load() {
		return errDisk
	}
	err := b.Store.Update(ctx, fn)
	if b.lost.Load() {
		return errors.Join(err, errDisk)
	}
	return err
}

func (b *faultyBase) Close() error { return nil }

// faultyDisk makes files that fail at will.
type faultyDisk struct {
	open_, write, half, sync atomic.Bool
}

func (d *faultyDisk) open(path string, flag int) (file, error) {
	if d.open_.Load() && flag&os.O_CREATE != 0 {
		return nil, &os.PathError{Op: "open", Path: path, Err: errDisk}
	}
	f, err := openFile(path, flag)
	return faultyFile{f, d}, err
}

type faultyFile struct {
	file
	d *faultyDisk
}

func (f faultyFile) WriteAt(b []byte, at int64) (int, error) {
	if f.d.write.Load() {
		return 0, errDisk
	}
	if f.d.half.Load() {
		n, _ := f.file.WriteAt(b[:len(b)/2], at)
		return n, errDisk
	}
	return f.file.WriteAt(b, at)
}

func (f faultyFile) Sync() error {
	if f.d.sync.Load() {
		return errDisk
	}
	return f.file.Sync()
}

// TestAppendFails: an Update that meets a disk that fails says so; what was acknowledged
// stays, through a crash, too; the one that failed does not come back once a later one
// was acknowledged.
func TestAppendFails(t *testing.T) {
	for name, fault := range map[string]func(*faultyDisk) *atomic.Bool{
		"write": func(d *faultyDisk) *atomic.Bool { return &d.write },
		"half":  func(d *faultyDisk) *atomic.Bool { return &d.half },
		"sync":  func(d *faultyDisk) *atomic.Bool { return &d.sync },
	} {
		for _, then := range []string{"crash", "write", "turn, write", "turn back, write", "direct", "close"} {
			t.Run(name+", "+then, func(t *testing.T) {
				w := newWorld(t, t.TempDir())
				s := w.open()
				w.there(s)
				if err := put(s, "before"); err != nil {
					t.Fatal(err)
				}
				turn := func() {
					s.mu.Lock()
					defer s.mu.Unlock()
					if err := s.bringDown(); err != nil {
						t.Error(err)
					}
					s.turn()
				}
				if then == "turn back, write" {
					turn()
				}
				fault(&w.disk).Store(true)
				for range 2 {
					if err := put(s, "failed"); !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "write the key store: ") {
						t.Errorf("the update returned %v", err)
					}
				}
				w.there(s, "before")
				fault(&w.disk).Store(false)
				want := []string{"before", "after"}
				switch then {
				case "turn, write", "turn back, write":
					turn()
					if err := put(s, "after"); err != nil {
						t.Error(err)
					}
				case "write":
					if err := put(s, "after"); err != nil {
						t.Error(err)
					}
				case "direct":
					err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", "after", make([]byte, 2*segmentSize)) })
					if err != nil {
						t.Error(err)
					}
				default:
					want = want[:1]
				}
				w.there(s, want...)
				if then == "close" {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				} else {
					w.crash(s)
				}
				s = w.open()
				if then == "crash" && name == "sync" {
					want = append(want, "failed") // it was on the disk after all
				}
				w.there(s, want...)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// TestBaseFails: as long as the store below takes nothing the journal does, until it is
// full; then Updates fail. Nothing is lost, and all goes on when it takes again.
func TestBaseFails(t *testing.T) {
	w := newWorld(t, t.TempDir())
	s := w.open()
	if err := put(s, "0"); err != nil {
		t.Fatal(err)
	}
	w.base.fail.Store(true)
	want := []string{"0"}
	big := func(key string) error {
		return s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, make([]byte, 1<<20)) })
	}
	var err error
	for i := 1; err == nil; i++ {
		if err = big(fmt.Sprint(i)); err == nil {
			want = append(want, fmt.Sprint(i))
		}
	}
	if len(want) != 7 || !errors.Is(err, errDisk) { // three in each segment
		t.Errorf("%d were taken, then %v", len(want), err)
	}
	w.there(s, want...)
	for end := time.Now().Add(10 * time.Second); s.Err() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody is told")
		}
	}
	if err := s.Err(); !errors.Is(err, errDisk) {
		t.Errorf("told: %v", err)
	}
	if err := s.Close(); !errors.Is(err, errDisk) || !strings.Contains(err.Error(), w.path) || !strings.Contains(err.Error(), "Nothing is lost") {
		t.Errorf("close: %v", err)
	}
	if text := w.said.String(); strings.Count(text, "cannot be brought into the key store") != 1 {
		t.Errorf("told:\n%s", text)
	}

	s = w.open() // while it still fails: what is there can be read
	w.there(s, want...)
	if err := put(s, "more"); !errors.Is(err, errDisk) {
		t.Errorf("a full journal took more: %v", err)
	}
	w.base.fail.Store(false)
	if err := put(s, "more"); err != nil {
		t.Fatal(err)
	}
	want = append(want, "more")
	w.there(s, want...)
	w.crash(s)
	s = w.open()
	w.there(s, want...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w.there(w.base, want...)
}

// TestBaseFails_Afterwards: the store below makes a change and says that it failed.
func TestBaseFails_Afterwards(t *testing.T) {
	w := newWorld(t, t.TempDir())
	s := w.open()
	w.base.lost.Store(true)
	if err := put(s, "0"); !errors.Is(err, errDisk) { // neither the note of the segments nor the change
		t.Errorf("update: %v", err)
	}
	w.base.lost.Store(false)
	s.again = s.again.Add(-makeAgain)
	for _, key := range []string{"1", "2"} {
		if err := put(s, key); err != nil {
			t.Fatal(err)
		}
	}
	w.base.lost.Store(true)
	s.mu.Lock()
	if err := s.empty(); !errors.Is(err, errDisk) {
		t.Errorf("empty: %v", err)
	}
	s.mu.Unlock()
	err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", "big", make([]byte, 2*segmentSize)) })
	if !errors.Is(err, errDisk) {
		t.Errorf("update: %v", err)
	}
	w.base.lost.Store(false)
	if err := put(s, "3"); err != nil {
		t.Fatal(err)
	}
	w.crash(s)
	s = w.open()
	defer s.Close()
	got := storetest.Dump(t, s, "b", "")
	for _, key := range []string{"1", "2", "3"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
}

// TestNoSegments: where there is no room for a journal all goes into the store below.
func TestNoSegments(t *testing.T) {
	for name, fault := range map[string]func(*faultyDisk) *atomic.Bool{
		"open":  func(d *faultyDisk) *atomic.Bool { return &d.open_ },
		"write": func(d *faultyDisk) *atomic.Bool { return &d.half },
		"sync":  func(d *faultyDisk) *atomic.Bool { return &d.sync },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			s := w.open()
			fault(&w.disk).Store(true)
			for _, key := range []string{"1", "2"} {
				if err := put(s, key); err != nil {
					t.Fatal(err)
				}
			}
			if text := w.said.String(); strings.Count(text, "goes without its journal") != 1 || !strings.Contains(text, w.path) {
				t.Errorf("told:\n%s", text)
			}
			w.there(w.base, "1", "2")
			if left, _ := filepath.Glob(w.path + "*"); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			fault(&w.disk).Store(false)
			s.again = s.again.Add(-makeAgain)
			if err := put(s, "3"); err != nil {
				t.Fatal(err)
			}
			w.there(w.base, "1", "2")
			w.there(s, "1", "2", "3")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			w.there(w.base, "1", "2", "3")
		})
	}
}

// TestClose: what was closed needs no journal, and shows nothing of it.
func TestClose(t *testing.T) {
	w := newWorld(t, t.TempDir())
	if err := os.WriteFile(segmentPath(w.path, 0), []byte("left by a Close that was cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := w.open()
	if _, err := os.Stat(segmentPath(w.path, 0)); !errors.Is(err, os.ErrNotExist) || w.base.commits.Load() > 0 {
		t.Errorf("a store that was not changed has a journal: %v", err)
	}
	if err := put(s, "k"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if info, err := os.Stat(segmentPath(w.path, i)); err != nil || info.Size() != segmentSize || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	err := s.View(func(r store.Reader) error {
		if all, err := r.Buckets(); err != nil || fmt.Sprint(all) != "[b]" {
			t.Errorf("buckets %v, %v", all, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Update(context.Background(), func(w store.Writer) error { return w.Put(bucket, "k", nil) }); err == nil {
		t.Error("the journal's own bucket was taken")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(w.path + "*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if got := storetest.Dump(t, w.base, bucket, ""); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	w.there(w.base, "k")
}

// TestDamage: a journal that is not all of what was acknowledged is refused, and what to
// do is said. Nothing is changed, so that the right files can be put back.
func TestDamage(t *testing.T) {
	record := func(n int64) int64 { return headerSize + n*recordAlign } // each takes one place
	flip := func(i int, at int64) func(*world) {
		return func(w *world) {
			f, err := os.OpenFile(segmentPath(w.path, i), os.O_RDWR, 0)
			if err != nil {
				w.Fatal(err)
			}
			defer f.Close()
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, at); err != nil {
				w.Fatal(err)
			}
			b[0] ^= 0x40
			if _, err := f.WriteAt(b, at); err != nil {
				w.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		damage func(*world)
		want   string
	}{
		"missing":          {func(w *world) { os.Remove(segmentPath(w.path, 1)) }, "journal.1 is missing, and the newest changes may lie there"},
		"short":            {func(w *world) { os.Truncate(segmentPath(w.path, 0), 5000) }, "journal.0 is damaged, or no journal"},
		"magic":            {flip(0, 3), "journal.0 is damaged, or no journal"},
		"another's":        {flip(1, int64(len(segmentMagic))), "journal.1 belongs to another key store, or to another time"},
		"first changes":    {flip(0, record(0)+recordHeader+3), "change 1 is missing or damaged, and there are later ones up to 5"},
		"first header":     {flip(0, record(0)+9), "change 1 is missing or damaged"},
		"one's changes":    {flip(0, record(2)+recordHeader+3), "change 3 is missing or damaged, and there are later ones up to 5"},
		"one's length":     {flip(0, record(2)+4), "change 3 is missing or damaged"},
		"one's magic":      {flip(0, record(2)), "change 3 is missing or damaged"},
		"the last one's":   {flip(0, record(4)+recordHeader), ""}, // as one that was being written
		"behind them":      {flip(0, record(5)), ""},
		"the note's id":    {note(idKey, []byte("short")), "the key store's note of it cannot be read"},
		"the note's other": {note(numberKey, []byte("short")), "the key store's note of it cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, t.TempDir())
			s := w.open()
			all := []string{"1", "2", "3", "4", "5"}
			w.base.fail.Store(true)
			for i, key := range all {
				if i == 0 {
					w.base.fail.Store(false)
				}
				if err := put(s, key); err != nil {
					t.Fatal(err)
				}
				w.base.fail.Store(true) // nothing goes below
			}
			w.crash(s)
			w.base.fail.Store(false)
			tc.damage(w)
			s, err := w.try()
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(name, "the last") {
					all = all[:4]
				}
				w.there(s, all...)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(strings.ToLower(err.Error()), "restore a backup") {
				t.Fatalf("it was opened: %v", err)
			}
			w.there(w.base)

			if err := Forget(w.base, w.path); err != nil {
				t.Fatal(err)
			}
			s = w.open()
			w.there(s) // nothing had gone below
			if err := Forget(w.base, w.path); !errors.Is(err, ErrWhole) {
				t.Errorf("a journal that is whole was forgotten: %v", err)
			}
			if kept, _ := filepath.Glob(w.path + ".*.forgotten"); len(kept) == 0 {
				t.Error("the files are gone")
			}
			if err := errors.Join(put(s, "new"), s.Close()); err != nil {
				t.Fatal(err)
			}
			w.there(w.base, "new")
		})
	}
}

// note puts something into the store below.
func note(key string, value []byte) func(*world) {
	return func(w *world) {
		err := w.base.Store.Update(context.Background(), func(wr store.Writer) error { return wr.Put(bucket, key, value) })
		if err != nil {
			w.Fatal(err)
		}
	}
}

// TestAModelThatCrashes: random changes, turns and crashes, and disks that fail, beside
// a map.
func TestAModelThatCrashes(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		sub := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Mkdir(sub, 0o700); err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(sub)
		w := newWorld(t, sub)
		s := w.open()
		model := map[string]string{}
		var unsure map[string]string // the change of the newest Update, if it failed
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"put", "put", "put", "delete", "large", "huge", "fail", "turn", "tidy", "crash", "close"}), 1, 30).Draw(rt, "steps")
		for i, step := range steps {
			next := maps.Clone(model)
			update := func(fn func(w store.Writer) error) {
				if err := s.Update(context.Background(), fn); err != nil {
					rt.Fatalf("step %d: %v", i, err)
				}
				model, unsure = next, nil
			}
			key := rapid.StringMatching(`[ab]{1,2}`).Draw(rt, "key")
			value := map[string]int{"large": segmentSize / 3, "huge": segmentSize + 1}[step]
			next[key] = strings.Repeat(fmt.Sprint(i, "."), 1+value)[:1+value]
			switch step {
			case "put", "large", "huge":
				update(func(w store.Writer) error { return w.Put("b", key, []byte(next[key])) })
			case "delete":
				delete(next, key)
				update(func(w store.Writer) error { return w.Delete("b", key) })
			case "fail":
				if s.registered { // else it would make the change below
					w.disk.sync.Store(true)
					if err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, []byte(next[key])) }); err == nil {
						rt.Fatalf("step %d did not fail", i)
					}
					w.disk.sync.Store(false)
					unsure = next
				}
			case "turn":
				s.mu.Lock()
				if s.state.Load().lower == nil {
					s.turn()
				}
				s.mu.Unlock()
			case "tidy":
				s.mu.Lock()
				err := s.empty()
				s.mu.Unlock()
				if err != nil {
					rt.Fatal(err)
				}
			case "crash", "close":
				if step == "crash" {
					w.crash(s)
				} else if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				s = w.open()
				if got := storetest.Dump(t, s, "b", ""); unsure != nil && maps.Equal(got, unsure) {
					model = unsure
				}
				unsure = nil
			}
			if got := storetest.Dump(t, s, "b", ""); !maps.Equal(got, model) {
				rt.Fatalf("step %d, %s: the store has %d keys, not %d, or others", i, step, len(got), len(model))
			}
		}
		w.crash(s)
	})
}

// TestView_Stays: a view does not change while layers go below and new ones come.
func TestView_Stays(t *testing.T) {
	w := newWorld(t, t.TempDir())
	s := w.open()
	defer s.Close()
	for i := range 3 {
		if err := put(s, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	err := s.View(func(r store.Reader) error {
		for i := range 3 {
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := put(s, fmt.Sprint("later ", i)); err != nil {
					t.Error(err)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if err := s.empty(); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			n := 0
			if err := r.Range("b", "", func(string, []byte) error { n++; return nil }); err != nil || n != 3 {
				t.Errorf("the view has %d keys, %v", n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	w.there(s, "0", "1", "2", "later 0", "later 1", "later 2")
}

// TestView_WhileALayerGoesBelow: what goes below while a view is being made is in it.
func TestView_WhileALayerGoesBelow(t *testing.T) {
	w := newWorld(t, t.TempDir())
	s := w.open()
	defer s.Close()
	if err := put(s, "k"); err != nil {
		t.Fatal(err)
	}
	w.base.inView = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.empty(); err != nil {
			t.Error(err)
		}
	}
	w.there(s, "k")
}
