package kmsfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// keepingTime changes a file and leaves its time as it was.
func keepingTime(t *testing.T, path, text string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

// Every byte is damaged in turn, and the file is cut off everywhere: it is refused,
// with its name, and no attempt to write changes it.
func TestDamagedByte(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		first := p.open()
		p.store(first, "a", "1")
		whole := contentOf(t, p.Path)
		damaged := map[string]string{}
		for i := range len(whole) {
			b := []byte(whole)
			b[i] ^= []byte{0x20, 1, 0x80}[i%3]
			damaged[fmt.Sprintf("byte %d is %q", i, b[i])] = string(b)
			damaged[fmt.Sprintf("cut off after %d", i)] = whole[:i]
		}
		damaged["one byte more"] = whole + "\n"
		for what, text := range damaged {
			keepingTime(t, p.Path, text)
			_, err := p.tryOpen()
			p.fails(what, err, keyring.ErrCorrupt, p.Path)
			p.fails(what+", Store", first.Store(t.Context(), keyring.ID{Name: "b"}, key("2")), keyring.ErrCorrupt, p.Path)
			p.fails(what+", Remove", first.Remove(t.Context(), keyring.ID{Name: "a"}), keyring.ErrCorrupt, p.Path)
			p.fails(what+", Reload", first.Reload(t.Context()), keyring.ErrCorrupt, p.Path)
			if contentOf(t, p.Path) != text {
				t.Fatalf("%s: the file was changed", what)
			}
			if t.Failed() {
				return
			}
		}
		p.is(first, map[string]string{"a": "1"}) // from memory
		keepingTime(t, p.Path, whole)
		p.store(first, "b", "2")
		p.is(p.open(), map[string]string{"a": "1", "b": "2"})
	})
}

// The same with the file of the checksum: it is not known then which of both is wrong.
func TestDamagedChecksum(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	p.store(p.open(), "a", "1")
	whole := contentOf(t, p.Path+".sha256")
	for i := range len(whole) {
		b := []byte(whole)
		b[i] ^= 1
		keepingTime(t, p.Path+".sha256", string(b))
		_, err := p.tryOpen()
		p.fails(fmt.Sprint("byte ", i), err, keyring.ErrCorrupt, p.Path, "remove "+p.Path+".sha256")
	}
	if err := os.Remove(p.Path + ".sha256"); err != nil {
		t.Fatal(err)
	}
	p.is(p.open(), map[string]string{"a": "1"}) // as the message says
}

// A file that vanished is not an empty keyring.
func TestVanished(t *testing.T) {
	for what, vanish := range map[string]func(path string) error{
		"removed": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) }, // which makes it newer
	} {
		for _, f := range formats {
			t.Run(what+"/"+string(f), func(t *testing.T) {
				p := newPlace(t, f)
				r := p.open()
				p.store(r, "a", "1")
				if err := vanish(p.Path); err != nil {
					t.Fatal(err)
				}
				p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "b"}, key("2")), keyring.ErrCorrupt, p.Path)
				p.is(r, map[string]string{"a": "1"})
				if f == kmsfile.FormatPercona || what == "emptied" {
					_, err := p.tryOpen()
					p.fails("Open", err, keyring.ErrCorrupt, p.Path)
				}
			})
		}
	}
}

// The backup of an interrupted write has no checksum. It is refused where it does not
// fit the file, or what AWS KMS has encrypted is damaged.
func TestDamagedBackup(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	a, b := p.element(keyring.ID{Name: "a"}, "AES", "1"), p.element(keyring.ID{Name: "b"}, "AES", "2")
	whole := perconaText(a, b)
	for what, main := range map[string]string{"complete": whole, "half written": whole[:len(whole)-40], "not yet written": perconaText(a)} {
		for i := range len(whole) {
			if what == "half written" && i >= len(whole)-40 || what == "not yet written" && i >= len(perconaText(a))-2 {
				break // the file cannot tell
			}
			text := []byte(whole)
			text[i] ^= 1
			p.write(p.Path, main)
			p.write(p.Path+".backup", string(text))
			r, err := p.tryOpen()
			if err == nil { // no JSON, beside a whole file that has all keys
				want := map[string]string{"a": "1", "b": "2"}
				if what == "not yet written" {
					delete(want, "b")
				}
				p.is(r, want)
				if what == "half written" || !strings.Contains(p.log.String(), "passed over") {
					t.Errorf("%s, byte %d: the backup was taken", what, i)
				}
				continue
			}
			if keyring.KindOf(err) != keyring.ErrCorrupt && !strings.Contains(err.Error(), "does not exist in this region") ||
				!strings.Contains(err.Error(), p.Path) {
				t.Errorf("%s, byte %d: %v", what, i, err)
			}
			if contentOf(t, p.Path) != main || contentOf(t, p.Path+".backup") != string(text) {
				t.Fatalf("%s, byte %d: a file was changed", what, i)
			}
		}
	}
}

// Percona's component writes FILE.backup, then FILE, then removes FILE.backup.
func TestBackup(t *testing.T) {
	for _, f := range formats {
		for name, c := range map[string]struct {
			main   func(one, both string) string
			backup func(one, both string) string
			want   string // "": damaged
			log    string
		}{
			"cut off while the file was written":   {func(_, both string) string { return both[:len(both)-9] }, func(_, both string) string { return both }, "a b", "its backup is what counts"},
			"cut off before the file was written":  {func(one, _ string) string { return one }, func(_, both string) string { return both }, "a b", "its backup is what counts"},
			"cut off before the backup went":       {func(_, both string) string { return both }, func(_, both string) string { return both }, "a b", "its backup is what counts"},
			"a key was being removed":              {func(_, both string) string { return both }, func(one, _ string) string { return one }, "a", "its backup is what counts"},
			"the file was emptied and not written": {func(_, _ string) string { return "" }, func(_, both string) string { return both }, "a b", "its backup is what counts"},
			"cut off while the backup was written": {func(one, _ string) string { return one }, func(_, both string) string { return both[:len(both)-9] }, "a", "passed over"},
			"the backup is still empty":            {func(one, _ string) string { return one }, func(_, _ string) string { return "" }, "a", ""},
			"both are cut off":                     {func(one, _ string) string { return one[:40] }, func(_, both string) string { return both[:50] }, "", ""},
			"the backup is another keyring's":      {func(one, _ string) string { return one }, func(one, _ string) string { return strings.Replace(one, `"a"`, `"z"`, 1) }, "", ""},
		} {
			for _, readOnly := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%t", name, f, readOnly), func(t *testing.T) {
					p := newPlace(t, f)
					p.ReadOnly = readOnly
					a, b := p.element(keyring.ID{Name: "a"}, "AES", "1"), p.element(keyring.ID{Name: "b"}, "AES", "2")
					one, both := perconaText(a), perconaText(a, b)
					p.write(p.Path, c.main(one, both))
					p.write(p.Path+".backup", c.backup(one, both))
					dir := filepath.Dir(p.Path)
					before := fmt.Sprint(files(t, dir))
					r, err := p.tryOpen()
					if after := fmt.Sprint(files(t, dir)); before != after {
						t.Errorf("opening changed a file:\n%s\n%s", before, after)
					}
					if c.want == "" {
						p.fails("Open", err, keyring.ErrCorrupt, p.Path)
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					want := map[string]string{}
					for _, name := range strings.Fields(c.want) {
						want[name] = map[string]string{"a": "1", "b": "2"}[name]
					}
					p.is(r, want)
					if (c.log == "") != (p.log.String() == "") || !strings.Contains(p.log.String(), c.log) {
						t.Errorf("the log says: %s", p.log.String())
					}
					if readOnly {
						return
					}
					p.store(r, "new", "3")
					want["new"] = "3"
					if _, err := os.Stat(p.Path + ".backup"); !os.IsNotExist(err) {
						t.Errorf("the backup is still there: %v", err)
					}
					p.is(p.open(), want)
				})
			}
		}
	}
}

// Read only: every write is refused, and nothing on the disk changes.
func TestReadOnly(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		q := p.readOnly()
		if _, err := q.tryOpen(); !os.IsNotExist(unwrapped(err)) {
			t.Errorf("without a file: %v", err)
		}
		p.store(p.open(), "a", "1")
		dir := filepath.Dir(p.Path)
		for _, backup := range []string{"", contentOf(t, p.Path)} {
			if backup != "" {
				p.write(p.Path+".backup", backup)
			}
			before := fmt.Sprint(files(t, dir))
			r := q.open()
			asked := p.kms.Requests()["Encrypt"] + p.kms.Requests()["ReEncrypt"]
			p.is(r, map[string]string{"a": "1"})
			p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "b"}, key("2")), keyring.ErrReadOnly)
			p.fails("Store of a name that is taken", r.Store(t.Context(), keyring.ID{Name: "a"}, key("2")), keyring.ErrReadOnly)
			p.fails("StoreAll", r.StoreAll(t.Context(), []keyring.ID{{Name: "b"}}, []keyring.Key{key("2")}), keyring.ErrReadOnly)
			p.fails("Generate", r.Generate(t.Context(), keyring.ID{Name: "b"}, "AES", 16), keyring.ErrReadOnly)
			p.fails("Remove", r.Remove(t.Context(), keyring.ID{Name: "a"}), keyring.ErrReadOnly)
			p.fails("Rewrap", r.Rewrap(t.Context(), nil), keyring.ErrReadOnly)
			if err := r.Reload(t.Context()); err != nil {
				t.Errorf("Reload: %v", err)
			}
			r.Close()
			if after := fmt.Sprint(files(t, dir)); before != after {
				t.Errorf("something was changed:\n%s\n%s", before, after)
			}
			if n := p.kms.Requests()["Encrypt"] + p.kms.Requests()["ReEncrypt"]; n != asked {
				t.Error("AWS KMS was asked in vain")
			}
		}
	})
}
