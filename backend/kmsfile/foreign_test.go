package kmsfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// unwrapped is the PathError in an error, for os.IsNotExist.
func unwrapped(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path
	}
	return err
}

// Percona's component, or a person with a copy, changes the file while it is open.
func TestChangedByAnother(t *testing.T) {
	id := func(name string) keyring.ID { return keyring.ID{Name: name} }
	for name, c := range map[string]struct {
		text func(p *place) string
		want string // the keys after a Store of "new"; "": it is refused
		says string
	}{
		"a key more": {func(p *place) string {
			return perconaText(p.element(id("b"), "AES", "2"), p.element(id("more"), "AES", "x"), p.element(id("a"), "AES", "1"))
		}, "map[a:1 b:2 more:x new:n]", ""},
		"encrypted anew": {func(p *place) string {
			return perconaText(p.element(id("a"), "AES", "1"), p.element(id("b"), "AES", "2"))
		}, "map[a:1 b:2 new:n]", ""},
		"a key less": {func(p *place) string { return perconaText(p.element(id("a"), "AES", "1")) }, "", "lacks 'b'"},
		"another key": {func(p *place) string {
			return perconaText(p.element(id("a"), "AES", "1"), p.element(id("b"), "AES", "3"))
		}, "", "lacks 'b'"},
		"another type": {func(p *place) string {
			return perconaText(p.element(id("a"), "AES", "1"), p.element(id("b"), "RSA", "2"))
		}, "", "lacks 'b'"},
		"no keys":    {func(p *place) string { return perconaText() }, "", "lacks 'a', 'b'"},
		"empty":      {func(p *place) string { return "" }, "", "is empty"},
		"no keyring": {func(p *place) string { return "hello" }, "", "byte 0"},
		"not encrypted": {func(p *place) string {
			return perconaText(`{"user":"","data_id":"a","data_type":"AES","data":"31","extension":[]}`)
		}, "", "component_keyring_file"},
	} {
		for _, f := range formats {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				p := newPlace(t, f)
				r := p.open()
				p.store(r, "a", "1")
				p.store(r, "b", "2")
				text := c.text(p)
				p.writeLater(p.Path, text)
				err := r.Store(t.Context(), id("new"), key("n"))
				if c.want == "" {
					p.fails("Store", err, keyring.ErrCorrupt, p.Path, c.says)
					p.fails("Remove", r.Remove(t.Context(), id("a")), keyring.ErrCorrupt)
					p.fails("Rewrap", r.Rewrap(t.Context(), nil), keyring.ErrCorrupt)
					if contentOf(t, p.Path) != text {
						t.Error("the file was overwritten")
					}
					p.is(r, map[string]string{"a": "1", "b": "2"}) // reads go on
					if strings.Contains(c.says, "lacks") {
						p.fails("Store", err, keyring.ErrCorrupt, "ALTER INSTANCE RELOAD KEYRING")
						if err := r.Reload(t.Context()); err != nil {
							t.Fatal(err)
						}
						p.store(r, "new", "n") // as the message says
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range []*kmsfile.Keyring{r, p.open()} {
					if got, err := p.keysOf(r); err != nil || fmt.Sprint(got) != c.want {
						t.Errorf("keys: %v, %v", got, err)
					}
				}
			})
		}
	}
}

// A file that is newer than its checksum is another program's, and is taken at the start.
func TestForeignFileAtTheStart(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	p.store(p.open(), "a", "1")
	p.writeLater(p.Path, perconaText(p.element(keyring.ID{Name: "z"}, "AES", "26")))
	r := p.open()
	p.is(r, map[string]string{"z": "26"})
	if n := strings.Count(p.log.String(), "was written by another program since its checksum was made"); n != 1 {
		t.Errorf("%d lines in the log: %s", n, p.log.String())
	}
	p.store(r, "y", "25")
	p.is(p.open(), map[string]string{"y": "25", "z": "26"})
}

// If AWS KMS does not answer, a changed file cannot be judged: no write, and reads go on.
func TestChangedDuringAnOutage(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	r := p.open()
	p.store(r, "a", "1")
	text := perconaText(p.element(keyring.ID{Name: "a"}, "AES", "1"))
	p.writeLater(p.Path, text)
	p.kms.SetBefore(outage("Decrypt"))
	p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "b"}, key("2")), keyring.ErrUnreachable)
	p.is(r, map[string]string{"a": "1"})
	if contentOf(t, p.Path) != text {
		t.Error("the file was overwritten")
	}
	p.kms.SetBefore(nil)
	p.store(r, "b", "2")
}

// An older copy of our own format is no successor.
func TestOlderCopy(t *testing.T) {
	p := newPlace(t, kmsfile.FormatDBKeyring)
	r := p.open()
	p.store(r, "a", "1")
	old := contentOf(t, p.Path)
	p.store(r, "b", "2")
	if err := r.Remove(t.Context(), keyring.ID{Name: "b"}); err != nil {
		t.Fatal(err)
	}
	p.write(p.Path, old) // all keys are in it
	p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "c"}, key("3")), keyring.ErrCorrupt, "older copy", p.Path)
	if contentOf(t, p.Path) != old {
		t.Error("the file was overwritten")
	}
}

// Two keyrings over one file lose nothing to each other.
func TestTwoAtOnce(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		a, b := p.open(), p.open()
		var wg sync.WaitGroup
		for i, r := range []*kmsfile.Keyring{a, b} {
			wg.Go(func() {
				for n := range 15 {
					if err := r.Store(context.Background(), keyring.ID{Name: fmt.Sprint(i, n)}, key("x")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got, err := p.keysOf(p.open()); err != nil || len(got) != 30 {
			t.Errorf("%d keys, %v", len(got), err)
		}
		err := b.Remove(t.Context(), keyring.ID{Name: "0 0"})
		if err != nil {
			t.Fatal(err)
		}
		err = a.Store(t.Context(), keyring.ID{Name: "later"}, key("x"))
		if p.Format == kmsfile.FormatPercona { // who removed it is not to be seen
			p.fails("Store", err, keyring.ErrCorrupt, "lacks '0 0'")
			return
		}
		if err != nil {
			t.Errorf("Store after another process of ours removed a key: %v", err)
		}
	})
}

// Who waits for another process gives up in time, and has changed nothing.
func TestLocked(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	r := p.open()
	p.store(r, "a", "1")
	before := contentOf(t, p.Path)
	d, err := os.Open(filepath.Dir(p.Path))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p.fails("Store", r.Store(ctx, keyring.ID{Name: "b"}, key("2")), keyring.ErrUnreachable, "another process")
	p.is(r, map[string]string{"a": "1"})
	p.is(p.open(), map[string]string{"a": "1"})
	if contentOf(t, p.Path) != before {
		t.Error("the file was changed")
	}
}
