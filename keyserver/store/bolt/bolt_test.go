package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

func TestMain(m *testing.M) {
	if path := os.Getenv("BOLT_TEST_CRASH_CHILD"); path != "" {
		crashChild(path)
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

// crashChild writes with many goroutines and prints each key once it is
// acknowledged. It runs until it is killed.
func crashChild(path string) {
	s, err := bolt.Open(path)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for g := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d/%d", os.Getpid(), g, i)
				err := s.Update(context.Background(), func(w store.Writer) error {
					return errors.Join(w.Put("data", key, []byte(strings.Repeat(key, 20))), w.Put("index", key, []byte(key)))
				})
				if err != nil {
					fmt.Println("error:", err)
					os.Exit(1)
				}
				fmt.Println(key)
			}
		}()
	}
	select {}
}

// TestCrash kills a process that writes, over and over on one file. All that it
// acknowledged is there, and each transaction is there whole or not at all.
func TestCrash(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	path := filepath.Join(t.TempDir(), "store.db")
	acknowledged := map[string]bool{}
	for round := range rounds {
		for _, key := range runAndKill(t, path, 20+13*round) {
			acknowledged[key] = true
		}
		s := open(t, path)
		data, index := storetest.Dump(t, s, "data", ""), storetest.Dump(t, s, "index", "")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for key := range acknowledged {
			if data[key] != strings.Repeat(key, 20) || index[key] != key {
				t.Fatalf("round %d: %s was acknowledged and is lost", round, key)
			}
		}
		if len(data) != len(index) {
			t.Fatalf("round %d: %d values, %d index entries: half a transaction", round, len(data), len(index))
		}
	}
	t.Logf("%d acknowledged writes, %d kills", len(acknowledged), rounds)
}

// runAndKill kills the child after it has acknowledged n keys, and returns all
// that it acknowledged.
func runAndKill(t *testing.T, path string, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BOLT_TEST_CRASH_CHILD="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	buf := make([]byte, 4096)
	killed := false
	for {
		k, err := out.Read(buf)
		text.Write(buf[:k])
		if !killed && (strings.Count(text.String(), "\n") >= n || err != nil) {
			killed = true
			_ = cmd.Process.Kill()
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // killed
	lines := strings.Split(text.String(), "\n")
	keys := lines[:len(lines)-1] // the last is empty, or was cut off
	for _, key := range keys {
		if strings.HasPrefix(key, "error:") {
			t.Fatalf("the child failed: %s", key)
		}
	}
	return keys
}

// BenchmarkUpdate: durable writes with 1, 8 and 64 writers.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "store.db"))
			defer s.Close()
			value := make([]byte, 300)
			b.ResetTimer()
			var wg sync.WaitGroup
			for g := range writers {
				wg.Go(func() {
					for i := g; i < b.N; i += writers {
						key := fmt.Sprintf("%08x-%d", uint32(i)*2654435761, i) // spread, as identifiers are
						if err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, value) }); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
