package audit_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
)

func open(t testing.TB, path string) *audit.Log {
	t.Helper()
	l, err := audit.Open(path, audit.Head{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// lines reads a log. What is no JSON comes back as "torn".
func lines(t *testing.T, path string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for sc := bufio.NewScanner(bytes.NewReader(text)); sc.Scan(); {
		m := map[string]any{}
		if err := json.Unmarshal(sc.Bytes(), &m); err != nil {
			m = map[string]any{"torn": sc.Text()}
		}
		all = append(all, m)
	}
	return all
}

func TestRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("CET", 3600))
	err := l.Record(audit.Entry{
		Time: at, Endpoint: "db", Remote: "10.0.0.1:40000", Op: "Get", UID: "u-1", Names: []string{"a\nb", "\xff"},
		Result: audit.Denied, Reason: "not its owner", Latency: 1500 * time.Microsecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	// Readable before Close: it has left the process.
	if err := l.Record(audit.Entry{Op: "Create", Result: audit.Success, Change: true}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 2 {
		t.Fatalf("%d lines", len(got))
	}
	want := map[string]any{
		"time": "2026-01-02T02:04:05.000006Z", "endpoint": "db", "remote": "10.0.0.1:40000", "op": "Get", "uid": "u-1",
		"names": []any{"a\nb", "\uFFFD"}, "result": "denied", "reason": "not its owner", "latency_us": 1500.0,
	}
	for _, field := range []string{"seq", "chain", "prev"} { // see chain_test.go
		if got[0][field] == nil {
			t.Errorf("the line has no %s", field)
		}
		delete(got[0], field)
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Record(audit.Entry{}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := l.Ready(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ready after Close: %v", err)
	}
}

func TestOpen_AppendsAndEndsATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(`{"op":"old"}`+"\n"+`{"op":"cut o`), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path)
	if err := l.Record(audit.Entry{Op: "new"}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 4 || got[0]["op"] != "old" || got[1]["torn"] != `{"op":"cut o` || got[2]["op"] != "audit" || got[3]["op"] != "new" {
		t.Errorf("%v", got)
	}
}

func TestReopen_LosesNoLineUnderLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	l := open(t, path)
	const writers, each = 8, 100
	var wg sync.WaitGroup
	for g := range writers {
		wg.Go(func() {
			for i := range each {
				if err := l.Record(audit.Entry{Op: "x", UID: fmt.Sprint(g, "-", i), Change: i%10 == 0}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 5 {
		if err := os.Rename(path, filepath.Join(dir, fmt.Sprint("old", i))); err != nil {
			t.Fatal(err)
		}
		if err := l.Reopen(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := map[any]bool{}
	for _, f := range files {
		for _, m := range lines(t, filepath.Join(dir, f.Name())) {
			seen[m["uid"]] = true
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d lines", len(seen), writers*each)
	}
}

func TestReopen_FailureKeepsTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.log")
	l := open(t, path)
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reopen in a folder that is gone: %v", err)
	}
	if err := l.Record(audit.Entry{Op: "still"}); err != nil {
		t.Error(err)
	}
	if got := lines(t, filepath.Join(moved, "audit.log")); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

// TestRecord_DiskFull: a disk that takes half a line, then nothing, then works again.
func TestRecord_DiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	var warnings bytes.Buffer
	l, err := audit.Open(path, audit.Head{}, slog.New(slog.NewTextHandler(&warnings, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Record(audit.Entry{Op: "before"}); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ) // beyond the limit write fails, as on a full disk
	defer signal.Reset(unix.SIGXFSZ)
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: n, Max: old.Max}); err != nil {
			t.Fatal(err)
		}
	}
	defer limit(old.Cur)
	limit(uint64(info.Size()) + 10)
	if err := l.Ready(); err != nil {
		t.Errorf("not ready before anything failed: %v", err)
	}
	for range 3 {
		if err := l.Record(audit.Entry{Op: "lost"}); !errors.Is(err, unix.EFBIG) {
			t.Errorf("a record on a full disk: %v", err)
		}
	}
	if err := l.Ready(); !errors.Is(err, unix.EFBIG) {
		t.Errorf("ready on a full disk: %v", err)
	}
	limit(old.Cur)
	if err := l.Ready(); err != nil {
		t.Errorf("ready once there is room: %v", err)
	}
	if err := l.Record(audit.Entry{Op: "after", Change: true}); err != nil {
		t.Fatal(err)
	}
	got := lines(t, path)
	if len(got) != 4 || got[0]["op"] != "before" || got[1]["torn"] == nil ||
		!strings.HasSuffix(fmt.Sprint(got[2]["reason"]), "; 3 entries before this one could not be written") || got[3]["op"] != "after" {
		t.Errorf("%v", got)
	}
	if n := strings.Count(warnings.String(), "cannot be written"); n != 1 {
		t.Errorf("%d complaints in the log:\n%s", n, &warnings)
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, change := range []bool{false, true} {
		b.Run(fmt.Sprintf("change=%v", change), func(b *testing.B) {
			l := open(b, filepath.Join(b.TempDir(), "audit.log"))
			e := audit.Entry{Endpoint: "db", Remote: "127.0.0.1:40000", Op: "Get", UID: "0123456789abcdef0123456789abcdef", Names: []string{"INNODBKey-1"}, Result: audit.Success, Change: change}
			for b.Loop() {
				if err := l.Record(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
