package journal

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/bolt"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
)

// crashEnv names the folder of the store that a child process writes until it is killed.
const crashEnv = "JOURNAL_TEST_CRASH_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashEnv); dir != "" {
		err := storetest.CrashChild(os.Stdout, func() (store.Store, error) { return openDir(dir) })
		fmt.Println("error:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

var quiet = slog.New(slog.DiscardHandler)

// openDir opens a folder's store as the key server does.
func openDir(dir string) (store.Store, error) {
	base, err := bolt.Open(filepath.Join(dir, "store.db"))
	if err != nil {
		return nil, err
	}
	return Open(base, filepath.Join(dir, "journal"), quiet)
}

func mustOpenDir(t testing.TB, dir string) store.Store {
	t.Helper()
	s, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store { return mustOpenDir(t, t.TempDir()) })
	t.Run("Durable", func(t *testing.T) {
		storetest.TestDurable(t, func(t *testing.T, dir string) store.Store { return mustOpenDir(t, dir) })
	})
}

// TestStore_WhileLayersGoBelow: whenever that happens, nobody sees it.
func TestStore_WhileLayersGoBelow(t *testing.T) {
	for name, base := range map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"bolt": func(t *testing.T) store.Store {
			s, err := bolt.Open(filepath.Join(t.TempDir(), "store.db"))
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Test(t, func(t *testing.T) store.Store {
				s, err := Open(base(t), filepath.Join(t.TempDir(), "journal"), quiet)
				if err != nil {
					t.Fatal(err)
				}
				stop := make(chan struct{})
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						for {
							select {
							case <-stop:
								return
							default:
							}
							s.mu.Lock()
							err := s.empty()
							s.mu.Unlock()
							if err != nil {
								t.Errorf("bring the layers below: %v", err)
								return
							}
						}
					})
				}
				return busyStore{s, sync.OnceFunc(func() { close(stop); wg.Wait() })}
			})
		})
	}
}

// busyStore is a store with a goroutine that has to end before it.
type busyStore struct {
	*Store
	end func()
}

func (s busyStore) Close() error {
	s.end()
	return s.Store.Close()
}

func TestCrash(t *testing.T) {
	dir := t.TempDir()
	storetest.TestCrash(t, crashEnv+"="+dir, func(t *testing.T) store.Store { return mustOpenDir(t, dir) })
}

// BenchmarkUpdate: durable writes with 1, 8 and 64 writers.
func BenchmarkUpdate(b *testing.B) {
	storetest.BenchmarkUpdate(b, func(b *testing.B) store.Store { return mustOpenDir(b, b.TempDir()) })
}
