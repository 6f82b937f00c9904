package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// CrashChild is what the process does that [TestCrash] kills: it opens the store, writes
// with many goroutines, and prints each key to out once it is acknowledged. It returns
// the first error.
func CrashChild(out io.Writer, open func() (store.Store, error)) error {
	s, err := open()
	if err != nil {
		return err
	}
	failed := make(chan error)
	for g := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d/%d", os.Getpid(), g, i)
				err := s.Update(context.Background(), func(w store.Writer) error {
					return errors.Join(w.Put("data", key, []byte(strings.Repeat(key, 20))), w.Put("index", key, []byte(key)))
				})
				if err == nil {
					_, err = fmt.Fprintln(out, key)
				}
				if err != nil {
					failed <- err
				}
			}
		}()
	}
	return <-failed
}

// TestCrash kills a process that writes, over and over on one store. All that it
// acknowledged is there, and each transaction is there whole or not at all. The process
// is the test's own program with env (NAME=value) in its environment, by which its
// TestMain knows to run [CrashChild]; open opens the same store.
func TestCrash(t *testing.T, env string, open func(t *testing.T) store.Store) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	acknowledged := map[string]bool{}
	for round := range rounds {
		for _, key := range runAndKill(t, env, 20+(round*round*round)) {
			acknowledged[key] = true
		}
		if round%3 == 1 {
			continue // what has been left is taken over by the next process
		}
		s := open(t)
		data, index := Dump(t, s, "data", ""), Dump(t, s, "index", "")
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
func runAndKill(t *testing.T, env string, n int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	buf := make([]byte, 4096)
	killed, lines := false, 0
	for {
		k, err := out.Read(buf)
		text.Write(buf[:k])
		lines += strings.Count(string(buf[:k]), "\n")
		if !killed && (lines >= n || err != nil) {
			killed = true
			_ = cmd.Process.Kill()
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // killed
	all := strings.Split(text.String(), "\n")
	keys := all[:len(all)-1] // the last is empty, or was cut off
	for _, key := range keys {
		if strings.HasPrefix(key, "error:") {
			t.Fatalf("the child failed: %s", key)
		}
	}
	return keys
}
