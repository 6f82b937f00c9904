package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// TestBackup_UnderLoad takes backups while clients register and destroy keys, and
// restores each: what was acknowledged before the backup began is there with its
// bytes, and what is there at all is whole.
func TestBackup_UnderLoad(t *testing.T) {
	dir := t.TempDir()
	data, identity, phrase := filepath.Join(dir, "data"), filepath.Join(dir, "db"), filepath.Join(dir, "phrase")
	if err := os.WriteFile(phrase, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, data)
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)

	var mu sync.Mutex
	content := map[string]string{} // Unique ID → what was registered, once it is acknowledged
	asked := map[string]bool{}     // to be destroyed
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for g := range 4 {
		c := client(t, s.address, identity)
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				name := fmt.Sprintf("%d/%d", g, i)
				id, err := registerKey(c, name, "content of "+name)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				content[id] = "content of " + name
				if i%4 == 3 {
					asked[id] = true
				}
				mu.Unlock()
				if i%4 == 3 {
					if _, err := c.Destroy(context.Background(), id); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		mu.Lock()
		n := len(content)
		mu.Unlock()
		if n > 50 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the clients are stuck")
		}
	}
	type taken struct {
		file   string
		before map[string]string // acknowledged before it began
	}
	var backups []taken
	for i := range 3 {
		mu.Lock()
		b := taken{filepath.Join(dir, fmt.Sprint(i, ".backup")), maps.Clone(content)}
		mu.Unlock()
		command(t, "backup", "--out", b.file, "--passphrase-file", phrase, "--data", data)
		backups = append(backups, b)
	}
	stop()
	wg.Wait()
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, b := range backups {
		restored := b.file + ".data"
		command(t, "restore", b.file, "--passphrase-file", phrase, "--data", restored)
		s := startServer(t, restored)
		c := client(t, s.address, identity)
		for id, want := range b.before {
			answer, err := c.Get(t.Context(), id)
			switch {
			case asked[id] && kmip.ReasonOf(err) == kmip.ReasonIllegalOperation: // destroyed, as the attributes tell
			case err != nil:
				t.Fatalf("%s was acknowledged before the backup: %v", id, err)
			case string(answer.Object.Content().Reveal()) != want:
				t.Fatalf("%s has another content", id)
			}
		}
		all, err := c.Locate(t.Context(), &kmip.LocateRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range all.UniqueIdentifiers {
			answer, err := c.Get(t.Context(), id)
			if err != nil || string(answer.Object.Content().Reveal()) != content[id] {
				t.Fatalf("%s is there, and not whole: %v", id, err)
			}
		}
		t.Logf("%d keys acknowledged before the backup, %d in it", len(b.before), len(all.UniqueIdentifiers))
		command(t, "audit", "verify", "--data", restored)
		if err := s.end(t, syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
}

// TestRestore_Killed: what a restore that was killed leaves is told, and no server starts
// on it.
func TestRestore_Killed(t *testing.T) {
	dir := t.TempDir()
	data, phrase, file := filepath.Join(dir, "data"), filepath.Join(dir, "phrase"), filepath.Join(dir, "file")
	if err := os.WriteFile(phrase, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, data)
	identity := filepath.Join(dir, "db")
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)
	c := client(t, s.address, identity)
	for i := range 300 {
		if _, err := registerKey(c, fmt.Sprint(i), "content"); err != nil {
			t.Fatal(err)
		}
	}
	command(t, "backup", "--out", file, "--passphrase-file", phrase, "--data", data)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	whole, half, nothing := 0, 0, 0
	for i := range 12 {
		target := filepath.Join(dir, fmt.Sprint("restored", i))
		cmd := &serverProcess{cmd: newCommand(exe, "restore", file, "--passphrase-file", phrase, "--data", target)}
		if err := cmd.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// From before the folder is made until after the end: the pass phrase alone takes some
		// tenths of a second, twice.
		waitForFile(target, 10*time.Second)
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		_ = cmd.end(t, syscall.SIGKILL) // it may have ended
		_, err := tryCommand(t, "endpoint", "list", "--data", target)
		switch {
		case err == nil:
			whole++
		case contains(err.Error(), "is half restored", "is half made"):
			half++
		case contains(err.Error(), "there is no data directory"):
			nothing++
		default:
			t.Fatalf("kill %d: %v", i, err)
		}
	}
	if whole+half == 0 {
		t.Error("no kill met a restore in its course")
	}
	t.Logf("%d whole, %d half and told so, %d nothing", whole, half, nothing)
}

func newCommand(exe string, args ...string) *exec.Cmd {
	return &exec.Cmd{Path: exe, Args: append([]string{"dbkeyring"}, args...)}
}

func waitForFile(path string, limit time.Duration) {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
}

// tryCommand is command that may fail.
func tryCommand(t testing.TB, args ...string) (string, error) {
	t.Helper()
	var out, errs strings.Builder
	p := &process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	if code := run(p, args); code != 0 {
		return out.String(), fmt.Errorf("exit code %d: %s", code, &errs)
	}
	return out.String(), nil
}

func contains(text string, any ...string) bool {
	return slices.ContainsFunc(any, func(s string) bool { return strings.Contains(text, s) })
}
