package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/bolt"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
)

// crashEnv names the store that a child process writes until it is killed.
const crashEnv = "BOLT_TEST_CRASH_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		err := storetest.CrashChild(os.Stdout, func() (store.Store, error) { return bolt.Open(path) })
		fmt.Println("error:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "store.db")) })
	t.Run("Durable", func(t *testing.T) {
		storetest.TestDurable(t, func(t *testing.T, dir string) store.Store { return open(t, filepath.Join(dir, "store.db")) })
	})
}

func TestOpen_Refusals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	s := open(t, path)
	defer s.Close()
	_, err := bolt.Open(path)
	if !errors.Is(err, bolt.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("opening it twice: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}

	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(dir, "short")
	cut := open(t, short)
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(short, 5000); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		short:                               "is damaged: ",
		garbage:                             "is damaged, or no key store",
		filepath.Join(dir, "none/store.db"): "no such file or directory",
	} {
		if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v", path, err)
		}
	}
}

// TestUpdate_GivenUpInTheQueue: a caller whose context ends while others are
// written gets its answer at once, and its change is not made.
func TestUpdate_GivenUpInTheQueue(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	entered, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := s.Update(context.Background(), func(w store.Writer) error {
			close(entered)
			<-release
			return w.Put("b", "first", nil)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	answer := make(chan error)
	go func() {
		answer <- s.Update(ctx, func(w store.Writer) error { return w.Put("b", "given up", nil) })
	}()
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("giving up returned %v", err)
	}
	close(release)
	wg.Wait()
	storetest.Put(t, s, "b", "last", "")
	if got := storetest.Dump(t, s, "b", ""); len(got) != 2 {
		t.Errorf("the store has %v", got)
	}
}

// TestUpdate_DiskFull: every Update that meets a full disk says so, what was
// acknowledged stays, and the store works again once there is room.
func TestUpdate_DiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	defer s.Close()
	storetest.Put(t, s, "b", "before", "v")

	// The limit on the size of files makes write fail with EFBIG as a full disk does with ENOSPC.
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}
	defer restore()
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: uint64(info.Size()), Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var fitted atomic.Int32
	for g := range 8 {
		wg.Go(func() {
			for i := range 5 {
				err := s.Update(context.Background(), func(w store.Writer) error {
					return w.Put("big", fmt.Sprint(g, i), make([]byte, 8<<20))
				})
				switch { // bbolt does not wrap what the system said
				case err == nil:
					fitted.Add(1)
				case !strings.Contains(err.Error(), unix.EFBIG.Error()) || !strings.Contains(err.Error(), path):
					t.Errorf("an update on a full disk returned %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := storetest.Dump(t, s, "b", ""); got["before"] != "v" {
		t.Errorf("while the disk is full the store reads %v", got)
	}
	restore()
	storetest.Put(t, s, "b", "after", "v")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	if got := storetest.Dump(t, s, "b", ""); len(got) != 2 {
		t.Errorf("afterwards there is %v", got)
	}
	if got := storetest.Dump(t, s, "big", ""); len(got) != int(fitted.Load()) || len(got) > 2 {
		t.Errorf("%d values were acknowledged, %d are there, and room was for 2", fitted.Load(), len(got))
	}
}

func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	storetest.TestCrash(t, crashEnv+"="+path, func(t *testing.T) store.Store { return open(t, path) })
}

// BenchmarkUpdate: durable writes with 1, 8 and 64 writers.
func BenchmarkUpdate(b *testing.B) {
	storetest.BenchmarkUpdate(b, func(b *testing.B) store.Store { return open(b, filepath.Join(b.TempDir(), "store.db")) })
}
