package notes_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/notes"
)

// failing is a file system whose files cannot be written after some writes, and that
// counts how often they are synced.
type failing struct {
	filesys.FS
	writes, syncs int
}

type failingFile struct {
	filesys.File
	fs *failing
}

var errFull = errors.New("no space left")

func (f *failing) OpenFile(name string, flag int, perm fs.FileMode) (filesys.File, error) {
	file, err := f.FS.OpenFile(name, flag, perm)
	if flag&os.O_APPEND == 0 {
		return file, err
	}
	return &failingFile{file, f}, err
}

func (f *failingFile) Write(p []byte) (int, error) {
	if f.fs.writes--; f.fs.writes < 0 {
		return 0, errFull
	}
	return f.File.Write(p)
}

func (f *failingFile) Sync() error {
	f.fs.syncs++
	return f.File.Sync()
}

// lines reads notes whose lines are "name value", below a head.
func lines(head string) func([]byte) (map[string]string, []byte) {
	return func(old []byte) (map[string]string, []byte) {
		done := map[string]string{}
		rest, ok := strings.CutPrefix(string(old), head)
		if !ok {
			return done, []byte(head)
		}
		for line := range strings.Lines(rest) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			done[name] = value
		}
		return done, nil
	}
}

func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes")
	fsys := &failing{FS: filesys.OS{}, writes: 200}
	open := func(head string) *notes.File[string] {
		t.Helper()
		n, err := notes.Open(fsys, path, lines(head))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(n.Close)
		return n
	}
	n := open("a\n")
	var g sync.WaitGroup
	for i := range 200 {
		g.Go(func() {
			name := fmt.Sprint("name", i)
			if err := n.Add(name, "v", []byte(name+" v\n")); err != nil {
				t.Error(err)
			}
			if v, ok := n.Find(name); v != "v" || !ok {
				t.Errorf("%s: %q, %v", name, v, ok)
			}
		})
	}
	g.Wait()
	if fsys.syncs != 3 {
		t.Errorf("%d syncs of 200 lines", fsys.syncs)
	}
	if err := n.Add("more", "v", []byte("more v\n")); !errors.Is(err, errFull) {
		t.Errorf("on a full disk: %v", err)
	}
	if v, ok := n.Find("more"); ok {
		t.Errorf("what was not written is noted: %q", v)
	}
	if err := n.Sync(); err != nil || fsys.syncs != 4 {
		t.Errorf("%v, %d", err, fsys.syncs)
	}

	// Another one goes on where the first was, unless it is about something else.
	if v, ok := open("a\n").Find("name199"); v != "v" || !ok {
		t.Errorf("%q, %v", v, ok)
	}
	other := open("b\n")
	if v, ok := other.Find("name199"); ok {
		t.Errorf("%q", v)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "b\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := errors.Join(other.Remove(), n.Remove()); err != nil { // there, and not there
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestOpen_Fails(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none/notes")} {
		if n, err := notes.Open(filesys.OS{}, path, lines("a\n")); err == nil {
			n.Close()
			t.Errorf("%s was opened", path)
		}
	}
}
