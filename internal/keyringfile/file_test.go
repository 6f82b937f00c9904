package keyringfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

// A change shows in the stamps even if size and time are as before, and nothing that
// was only read does.
func TestStamps(t *testing.T) {
	f := keyringfile.File{FS: filesys.OS{}, Path: filepath.Join(t.TempDir(), "k")}
	if s, err := f.Stamps(); err != nil || s != (keyringfile.Stamps{}) {
		t.Errorf("no file: %v, %v", s, err)
	}
	if err := f.Write([]byte("one"), keyringfile.Stamps{}); err != nil {
		t.Fatal(err)
	}
	before, err := f.Stamps()
	if err != nil {
		t.Fatal(err)
	}
	texts, err := f.Read()
	if err != nil || string(texts.Main.Reveal()) != "one" || texts.Backup != nil || texts.Stamps != before {
		t.Errorf("Read: %v, %v", texts, err)
	}
	texts.Wipe()
	if err := os.WriteFile(f.Path, []byte("two"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.Path, before[0].Modified, before[0].Modified); err != nil {
		t.Fatal(err)
	}
	for range 1000 { // the clock of a file system is coarse
		if err := os.Chmod(f.Path, 0o640); err != nil {
			t.Fatal(err)
		}
		if after, err := f.Stamps(); err != nil {
			t.Fatal(err)
		} else if after != before {
			return
		}
	}
	t.Error("the stamps do not show that the file was changed")
}
