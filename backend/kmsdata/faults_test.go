package kmsdata_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/internal/faultfs"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// operations are all that change something. Each begins with the keys a and b.
var operations = []struct {
	name        string
	run         func(*kmsdata.Keyring) error
	adds, takes string // the key that is there after it, or not any more
}{
	{"store", func(r *kmsdata.Keyring) error { return store(r, "c") }, "c", ""},
	{"generate", func(r *kmsdata.Keyring) error { return r.Generate(context.Background(), id("c"), "AES", 32) }, "c", ""},
	{"remove", func(r *kmsdata.Keyring) error { return r.Remove(context.Background(), id("b")) }, "", "b"},
	{"rewrap", func(r *kmsdata.Keyring) error { return r.Rewrap(context.Background(), nil) }, "", ""},
}

// state lists the keys, after it has read each of them.
func state(t *testing.T, r *kmsdata.Keyring) []string {
	t.Helper()
	ids, err := r.List(context.Background())
	if err != nil {
		t.Errorf("List: %v", err)
	}
	var names []string
	for _, i := range ids {
		k, err := r.Fetch(context.Background(), i)
		if err != nil {
			t.Errorf("Fetch %s: %v", i, err)
			continue
		}
		if got := string(k.Data.Reveal()); got != value(i.Name) && i.Name != "c" {
			t.Errorf("%s holds %q", i, got)
		}
		k.Wipe()
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

// agreed asserts that the keyring, and one that is opened anew, have the same keys, and
// that these are right for an operation that ended with err.
func agreed(t *testing.T, what string, p *place, r *kmsdata.Keyring, op int, err error) {
	t.Helper()
	memory := state(t, r)
	fresh := p.also()
	fresh.FS = nil
	disk := state(t, fresh.open())
	if !slices.Equal(memory, disk) {
		t.Errorf("%s: memory has %v, the file %v", what, memory, disk)
	}
	right(t, what, disk, op, err)
}

func right(t *testing.T, what string, names []string, op int, err error) {
	t.Helper()
	o := operations[op]
	for _, name := range []string{"a", "b"} {
		if !slices.Contains(names, name) && name != o.takes {
			t.Errorf("%s: %s is lost: %v", what, name, names)
		}
	}
	if err == nil && (o.adds != "" && !slices.Contains(names, o.adds) || o.takes != "" && slices.Contains(names, o.takes)) {
		t.Errorf("%s: it was acknowledged, and there are %v", what, names)
	}
}

// twoKeys makes places with the keys a and b.
func twoKeys(t *testing.T, s *kmstest.Server) func() *place {
	t.Helper()
	p := placeAt(t, s)
	r := p.open()
	for _, name := range []string{"a", "b"} {
		if err := store(r, name); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	text, folder := p.text(), filepath.Dir(p.DataFile)
	n := 0
	return func() *place {
		n++
		p := p.also()
		p.DataFile = filepath.Join(folder, fmt.Sprint(n), "data")
		if err := os.Mkdir(filepath.Dir(p.DataFile), 0o750); err != nil {
			t.Fatal(err)
		}
		p.write(text)
		return p
	}
}

// Any operation on the files may fail once: the call fails or not, memory and file
// agree, no key is lost, and the same call again works.
func TestFaults_FileErrors(t *testing.T) {
	s := kmstest.New(t)
	fresh := twoKeys(t, s)
	for op, o := range operations {
		for n := 1; ; n++ {
			p := fresh()
			fsys := faultfs.New()
			p.FS = fsys
			r := p.open()
			fsys.FailAt(n, []error{syscall.EIO, syscall.ENOSPC}[n%2])
			err := o.run(r)
			if !fsys.Hit() {
				if err != nil || n < 5 {
					t.Errorf("%s needs %d operations: %v", o.name, n-1, err)
				}
				break
			}
			what := fmt.Sprintf("%s, %s failed (%v)", o.name, fsys.Where(), err)
			fsys.FailAt(0, nil)
			agreed(t, what, p, r, op, err)
			if err != nil {
				again := o.run(r)
				if again != nil {
					t.Errorf("%s: again: %v", what, again)
				}
				agreed(t, what+", again", p, r, op, again)
			}
		}
	}
}

// The power may fail at any operation: what was acknowledged is there afterwards, and
// nothing is half-written.
func TestFaults_PowerCuts(t *testing.T) {
	s := kmstest.New(t)
	next := twoKeys(t, s)
	for _, left := range faultfs.Outcomes {
		for op, o := range operations {
			for n := 1; ; n++ {
				p := next()
				fsys := faultfs.New()
				p.FS = fsys
				r := p.open()
				fsys.CutAt(n)
				err := o.run(r)
				if !fsys.Hit() {
					break
				}
				what := fmt.Sprintf("%s, power cut in %s, %s (%v)", o.name, fsys.Where(), left, err)
				if err := fsys.Restart(left); err != nil {
					t.Fatal(err)
				}
				fresh := p.also()
				fresh.FS = nil
				again := fresh.open()
				right(t, what, state(t, again), op, err)
				if err != nil {
					if err := o.run(again); err != nil && !errors.Is(err, keyring.ErrExists) && !errors.Is(err, keyring.ErrNotFound) {
						t.Errorf("%s: again: %v", what, err)
					}
				}
			}
		}
	}
}

// A file that is to be made is made, or not; then it is made the next time.
func TestFaults_Open(t *testing.T) {
	s := kmstest.New(t)
	for _, left := range append([]faultfs.Outcome{""}, faultfs.Outcomes...) {
		for n := 1; ; n++ {
			p := placeAt(t, s)
			p.DataFile += "-folder/data"
			fsys := faultfs.New()
			p.FS = fsys
			if left == "" {
				fsys.FailAt(n, syscall.EIO)
			} else {
				fsys.CutAt(n)
			}
			_, err := p.tryOpen()
			if !fsys.Hit() {
				break
			}
			what := fmt.Sprintf("open, fault in %s, %q (%v)", fsys.Where(), left, err)
			if left != "" {
				if err := fsys.Restart(left); err != nil {
					t.Fatal(err)
				}
			}
			fresh := p.also()
			fresh.FS = nil
			r, err := fresh.tryOpen()
			if err != nil {
				t.Errorf("%s: again: %v", what, err)
				continue
			}
			if err := store(r, "a"); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
}

// Any call of AWS KMS may fail, or its answer be lost.
func TestFaults_KMS(t *testing.T) {
	s := kmstest.New(t)
	fresh := twoKeys(t, s)
	for _, fault := range []kmstest.Fault{{Code: "AccessDeniedException", Message: "no"}, {Code: "DisabledException", Message: "disabled"}, {Cut: true}} {
		for op, o := range operations {
			for n := 0; ; n++ {
				s.SetBefore(nil)
				p := fresh()
				r := p.open()
				before, hit := total(s), false
				s.SetBefore(func(string, int) *kmstest.Fault {
					if total(s)-before <= n || hit && !fault.Cut {
						return nil
					}
					hit = true
					return &fault
				})
				err := o.run(r)
				s.SetBefore(nil)
				if !hit {
					if err != nil || n == 0 && o.name != "remove" {
						t.Errorf("%s needs %d calls: %v", o.name, n, err)
					}
					break
				}
				what := fmt.Sprintf("%s, call %d: %+v (%v)", o.name, n+1, fault, err)
				agreed(t, what, p, r, op, err)
				if err != nil {
					if again := o.run(r); again != nil {
						t.Errorf("%s: again: %v", what, again)
					}
				}
			}
		}
	}
}

// total counts the requests so far, the present one among them.
func total(s *kmstest.Server) int {
	n := 0
	for _, of := range s.Requests() {
		n += of
	}
	return n
}

// The disk is full: the call says so, and the file is as it was.
func TestFaults_TextNamesFile(t *testing.T) {
	p := newPlace(t)
	fsys := faultfs.New()
	p.FS = fsys
	r := p.open()
	if err := os.Chmod(p.DataFile, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		fsys.FailAt(n, syscall.ENOSPC)
		err := store(r, "x")
		if !fsys.Hit() {
			t.Fatal("no write failed")
		}
		if errors.Is(err, syscall.ENOSPC) {
			kind(t, "Store", err, keyring.ErrUnreachable)
			return
		}
		if err == nil {
			if err := r.Remove(context.Background(), id("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
}
