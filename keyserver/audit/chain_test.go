package audit_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
)

// record writes n lines.
func record(t *testing.T, l *audit.Log, n int) {
	t.Helper()
	for i := range n {
		if err := l.Record(audit.Entry{Op: "Get", UID: fmt.Sprint("u-", i), Result: audit.Success}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t *testing.T, text string, kept ...audit.Head) *audit.Report {
	t.Helper()
	r, err := audit.Verify(strings.NewReader(text), kept)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The chain goes on over restarts and rotations, with the server up and down.
func TestChain_GoesOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	l := open(t, path)
	record(t, l, 3)
	l.Close()
	l = open(t, path)
	record(t, l, 2)
	if err := l.Reopen(); err != nil { // nobody has renamed the file
		t.Fatal(err)
	}
	record(t, l, 1)
	os.Rename(path, path+".1")
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	record(t, l, 4)
	head, err := l.Head()
	if err != nil || head.Seq != 10 {
		t.Fatalf("%+v, %v", head, err)
	}
	l.Close()
	os.Rename(path, path+".2")
	if l, err = audit.Open(path, head, nil); err != nil { // the server was down
		t.Fatal(err)
	}
	record(t, l, 1)
	l.Close()
	var reports []*audit.Report
	for _, file := range []string{path, path + ".2", path + ".1"} {
		r := verify(t, read(t, file), head)
		if len(r.Faults) > 0 || r.Unchained > 0 || len(r.CutOff) > 0 {
			t.Errorf("%s: %+v", file, r)
		}
		reports = append(reports, r)
	}
	order := audit.SortReports(reports)
	if fmt.Sprint(order) != "[2 1 0]" || !reports[2].Follows(reports[1]) || !reports[1].Follows(reports[0]) || reports[2].Follows(reports[0]) {
		t.Errorf("%v", order)
	}
	if reports[2].Begin.Seq != 1 || reports[2].End.Seq != 6 || reports[0].End.Seq != 11 || !reports[1].Has(head) || reports[0].Has(head) {
		t.Errorf("%+v", reports)
	}
}

func TestVerify_Tampered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	record(t, l, 6)
	head, err := l.Head()
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	text := read(t, path)
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	join := func(l ...string) string { return strings.TrimSuffix(strings.Join(l, ""), "\n") + "\n" }
	if r := verify(t, text, head); len(r.Faults) > 0 || r.Lines != 6 || !r.Has(head) {
		t.Fatalf("%+v", r)
	}
	for _, c := range []struct {
		what, text string
		line       int
	}{
		{"a changed line", strings.Replace(text, "u-3", "u-9", 1), 4},
		{"a line taken out", join(append(append([]string{}, lines[:2]...), lines[3:]...)...), 3},
		{"two lines swapped", join(lines[0], lines[2], lines[1], lines[3], lines[4], lines[5]+"\n"), 2},
		{"a line twice", join(lines[0], lines[0], lines[1]), 2},
		{"a line put in", join(lines[0], `{"op":"Get"}`+"\n", lines[1], lines[2]), 2},
		{"a word put in", join(lines[0], "word\n", lines[1], lines[2]), 2},
		{"the beginning taken out", join(lines[1:]...), 1},
		{"the end replaced by a word", join(lines[0], lines[1], "word\n"), 3},
	} {
		if r := verify(t, c.text); len(r.Faults) == 0 || r.Faults[0].Line != c.line {
			t.Errorf("%s: %v", c.what, r.Faults)
		}
	}
	// The end taken out, or all made anew: only what was kept elsewhere shows it.
	other := filepath.Join(t.TempDir(), "audit.log")
	l = open(t, other)
	record(t, l, 6)
	for what, text := range map[string]string{"cut off": join(lines[:4]...), "made anew": read(t, other)} {
		if r := verify(t, text, head); len(r.Faults) > 0 || r.Has(head) {
			t.Errorf("%s: %+v", what, r)
		}
	}
	// Each byte counts.
	for i := range len(text) - 1 {
		changed := []byte(text)
		changed[i] ^= 1
		if r := verify(t, string(changed), head); len(r.Faults) == 0 && r.Has(head) && len(r.CutOff) == 0 {
			t.Fatalf("another byte at %d is not noticed: %q", i, changed[max(0, i-20):i+20])
		}
	}
}

// A log of before there was a chain, and one that a crash has cut off.
func TestVerify_OldAndCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(`{"op":"old"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, path)
	record(t, l, 2)
	l.Close()
	if err := os.WriteFile(path, append([]byte(read(t, path)), `{"time":"20`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, read(t, path)); len(r.Faults) > 0 || fmt.Sprint(r.CutOff) != "[4]" { // the server has not started yet
		t.Errorf("%+v", r)
	}
	l = open(t, path)
	record(t, l, 2)
	r := verify(t, read(t, path))
	if len(r.Faults) > 0 || r.Unchained != 1 || r.Lines != 5 || fmt.Sprint(r.CutOff) != "[4]" {
		t.Errorf("%+v", r)
	}
}

func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "audit.log")
	l, err := audit.Open(path, audit.Head{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		if err := l.Record(audit.Entry{Op: "Get"}); err != nil {
			f.Fatal(err)
		}
	}
	l.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := audit.Verify(bytes.NewReader(b), nil); err != nil {
			t.Fatal(err)
		}
	})
}
