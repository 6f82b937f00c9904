package kmsdata_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// A valid file that is not the one that was written is never overwritten, and the keys
// in memory stay in use. Reload takes it as it is.
func TestSwappedFile(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	if err := store(r, "a"); err != nil {
		t.Fatal(err)
	}
	older := p.text()
	if err := store(r, "b"); err != nil {
		t.Fatal(err)
	}
	mine := p.text()
	other := placeAt(t, p.kms)
	if err := store(other.open(), "z"); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"another keyring's": other.text(), "an older one": older} {
		p.write(text)
		err := store(r, "c")
		kind(t, what, err, keyring.ErrCorrupt)
		if err == nil || !strings.Contains(err.Error(), "incorrect keyring file "+p.DataFile) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
		kind(t, what, r.Remove(context.Background(), id("a")), keyring.ErrCorrupt)
		holds(t, r, "a", "b")
		holds(t, r, "a", "b")
		if p.text() != text {
			t.Errorf("%s: it was overwritten", what)
		}
	}
	if n := strings.Count(p.log.String(), "is not the one that was read"); n != 2 {
		t.Errorf("%d lines in the log:\n%s", n, p.log.String())
	}
	if err := os.Remove(p.DataFile); err != nil {
		t.Fatal(err)
	}
	kind(t, "no file", store(r, "c"), keyring.ErrCorrupt)
	holds(t, r, "a", "b")
	if _, err := os.Stat(p.DataFile); err == nil {
		t.Error("a file that had vanished was made anew")
	}
	if err := r.Reload(context.Background()); err == nil {
		t.Error("a reload without a file worked")
	}
	p.write(mine)
	if err := store(r, "c"); err != nil {
		t.Error(err)
	}
	p.write(older)
	if err := r.Reload(context.Background()); err != nil {
		t.Error(err)
	}
	holds(t, r, "a")
	if err := store(r, "d"); err != nil {
		t.Error(err)
	}
}

// What another program of ours has written in between is taken over.
func TestTwoKeyrings(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	other := p.also().open()
	if err := store(r, "a"); err != nil {
		t.Fatal(err)
	}
	holds(t, other, "a")
	if err := store(other, "b"); err != nil {
		t.Fatal(err)
	}
	kind(t, "Store", store(r, "b"), keyring.ErrExists)
	if err := r.Remove(context.Background(), id("a")); err != nil {
		t.Fatal(err)
	}
	_, err := other.Fetch(context.Background(), id("a"))
	kind(t, "Fetch", err, keyring.ErrNotFound)
	var wg sync.WaitGroup
	var names []string
	for i := range 10 {
		for _, k := range []struct {
			r    keyring.Keyring
			name string
		}{{r, fmt.Sprint("r", i)}, {other, fmt.Sprint("o", i)}} {
			names = append(names, k.name)
			wg.Go(func() {
				if err := k.r.Generate(context.Background(), keyring.ID{Name: k.name}, "AES", 32); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	for _, name := range names {
		if _, err := r.Fetch(context.Background(), keyring.ID{Name: name}); err != nil {
			t.Error(err)
		}
	}
	holdsN(t, p.also().open(), 21)
}

func holdsN(t *testing.T, r keyring.Keyring, n int) {
	t.Helper()
	if ids, err := r.List(context.Background()); err != nil || len(ids) != n {
		t.Errorf("%d keys, %v; want %d", len(ids), err, n)
	}
}
