package faultfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/faultfs"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(b)
}

// A file that is replaced by the book is whole after a cut in any operation, in each
// outcome; and new once the call has returned without an error.
func TestCutAt_AtomicFile(t *testing.T) {
	for _, left := range faultfs.Outcomes {
		for n := 1; ; n++ {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte("old content"), 0o600); err != nil {
				t.Fatal(err)
			}
			fsys := faultfs.New()
			fsys.CutAt(n)
			err := atomicfile.Write(fsys, path, []byte("new content"), 0o600)
			if !fsys.Hit() {
				if err != nil || n < 8 {
					t.Errorf("%d operations, %v", n-1, err)
				}
				break
			}
			if !errors.Is(err, faultfs.ErrPowerCut) && err != nil {
				t.Errorf("cut in %s: %v", fsys.Where(), err)
			}
			if err := fsys.Restart(left); err != nil {
				t.Fatal(err)
			}
			if got := content(t, path); got != "old content" && got != "new content" || err == nil && got != "new content" {
				t.Errorf("%s, cut in %s: %q (%v)", left, fsys.Where(), got, err)
			}
		}
	}
}

// Without the syncs of the book something is lost: the reckoning sees that.
func TestRestart_Careless(t *testing.T) {
	write := func(t *testing.T, fsys filesys.FS, path, text string, sync bool) {
		t.Helper()
		f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err == nil && sync {
			err = f.Sync()
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		sync bool
		left faultfs.Outcome
		want string
	}{
		{"content not synced", false, faultfs.NamesKept, "new co"},
		{"name not synced", true, faultfs.NothingKept, "old content"},
		{"neither synced", false, faultfs.NothingKept, "old content"},
		{"written in time", false, faultfs.EverythingKept, "new content!"},
		{"content synced", true, faultfs.NamesKept, "new content!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, []byte("old content"), 0o600); err != nil {
				t.Fatal(err)
			}
			fsys := faultfs.New()
			write(t, fsys, path+".new", "new content!", c.sync)
			if err := fsys.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
			if err := fsys.Restart(c.left); err != nil {
				t.Fatal(err)
			}
			if got := content(t, path); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if left := content(t, path+".new"); left != "" {
				t.Errorf("the new name holds %q", left)
			}
		})
	}
}

// A removal and a folder are undone until their folder is synced.
func TestRestart_Folder(t *testing.T) {
	for _, sync := range []bool{false, true} {
		dir := t.TempDir()
		path, sub := filepath.Join(dir, "f"), filepath.Join(dir, "sub")
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		fsys := faultfs.New()
		if err := errors.Join(fsys.Remove(path), fsys.Mkdir(sub, 0o700)); err != nil {
			t.Fatal(err)
		}
		if sync {
			if err := filesys.SyncDir(fsys, dir); err != nil {
				t.Fatal(err)
			}
		}
		if err := fsys.Restart(faultfs.NothingKept); err != nil {
			t.Fatal(err)
		}
		_, err := os.Stat(sub)
		if got := content(t, path); (got == "") != sync || (err == nil) != sync {
			t.Errorf("synced %t: file %q, folder %v", sync, got, err)
		}
	}
}

// FailAt fails one operation and no other; a write has then written half.
func TestFailAt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	fsys := faultfs.New()
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	fsys.FailAt(2, syscall.ENOSPC)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("1234")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %d, %v", n, err)
	}
	if !fsys.Hit() || !strings.HasPrefix(fsys.Where(), "write ") || fsys.Operations() != 2 {
		t.Errorf("hit %q after %d", fsys.Where(), fsys.Operations())
	}
	if _, err := f.Write([]byte("56")); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if got := content(t, path); got != "1256" {
		t.Errorf("%q", got)
	}
	fsys.CutAt(1)
	if _, err := fsys.Stat(path); !errors.Is(err, faultfs.ErrPowerCut) {
		t.Error(err)
	}
	if _, err := fsys.Stat(path); !errors.Is(err, faultfs.ErrPowerCut) {
		t.Error(err)
	}
}
