package kmsfile_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/internal/faultfs"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// operations are what changes the file, with the names of the keys afterwards.
var operations = map[string]struct {
	do   func(t *testing.T, r *kmsfile.Keyring) error
	then []string
}{
	"store": {func(t *testing.T, r *kmsfile.Keyring) error {
		return r.Store(t.Context(), keyring.ID{Name: "c"}, key("3"))
	}, []string{"a", "b", "c"}},
	"generate": {func(t *testing.T, r *kmsfile.Keyring) error {
		return r.Generate(t.Context(), keyring.ID{Name: "c"}, "AES", 16)
	}, []string{"a", "b", "c"}},
	"remove": {func(t *testing.T, r *kmsfile.Keyring) error {
		return r.Remove(t.Context(), keyring.ID{Name: "b"})
	}, []string{"a"}},
	"store all": {func(t *testing.T, r *kmsfile.Keyring) error {
		return r.StoreAll(t.Context(), []keyring.ID{{Name: "c"}, {Name: "d"}, {Name: "e"}}, []keyring.Key{key("3"), key("4"), key("5")})
	}, []string{"a", "b", "c", "d", "e"}},
	"rewrap": {func(t *testing.T, r *kmsfile.Keyring) error { return r.Rewrap(t.Context(), nil) }, []string{"a", "b"}},
}

// situations are what the operation finds: the files and their texts.
func situations(t *testing.T, f kmsfile.Format, p *place) map[string]map[string]string {
	r := p.open()
	p.store(r, "a", "1")
	first := contentOf(t, p.Path)
	p.store(r, "b", "2")
	r.Close()
	text := contentOf(t, p.Path)
	all := map[string]map[string]string{
		"the configured format": {"keys": text},
		"a backup that counts":  {"keys": first[:len(first)/2], "keys.backup": text},
	}
	if f == kmsfile.FormatPercona {
		all["the configured format"] = map[string]string{"keys": text, "keys.sha256": contentOf(t, p.Path+".sha256")}
		all["a backup that was cut off"] = map[string]string{"keys": text, "keys.backup": text[:len(text)-5]}
	}
	q := &place{TB: t, kms: p.kms, Options: p.Options}
	q.Path = filepath.Join(t.TempDir(), "keys")
	q.Format = formats[slices.Index(formats, f)^1]
	other := q.open()
	q.store(other, "a", "1")
	q.store(other, "b", "2")
	all["the other format"] = map[string]string{"keys": contentOf(t, q.Path)}
	return all
}

// eachCase runs a test for each format, situation and operation.
func eachCase(t *testing.T, test func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string)) {
	for _, f := range formats {
		base := newPlace(t, f)
		for situation, texts := range situations(t, f, base) {
			for name, op := range operations {
				t.Run(fmt.Sprintf("%s/%s/%s", f, situation, name), func(t *testing.T) {
					base.kms.SetBefore(nil)
					fresh := func() *place {
						p := &place{TB: t, kms: base.kms, Options: base.Options}
						p.Path = filepath.Join(t.TempDir(), "keys")
						for _, name := range slices.Sorted(maps.Keys(texts)) { // the checksum last
							p.write(filepath.Join(filepath.Dir(p.Path), name), texts[name])
						}
						return p
					}
					test(t, fresh, op.do, op.then)
				})
			}
		}
	}
}

// agree asserts that a keyring that failed is as the file, and that both are either
// old or new, and new if that was said.
func (p *place) agree(r *kmsfile.Keyring, err error, then []string) {
	p.Helper()
	other := &place{TB: p.TB, kms: p.kms, Options: p.Options}
	other.FS = nil
	again := other.open()
	defer again.Close()
	file, fileErr := p.keysOf(again)
	if fileErr != nil {
		p.Fatal(fileErr)
	}
	p.acknowledged(file, err, then)
	if r == nil {
		return
	}
	memory, memErr := p.keysOf(r)
	if memErr != nil {
		p.Fatal(memErr)
	}
	if fmt.Sprint(memory) != fmt.Sprint(file) {
		p.Fatalf("after %v: in memory %v, in the file %v", err, memory, file)
	}
}

func (p *place) acknowledged(keys map[string]string, err error, then []string) {
	p.Helper()
	names := slices.Sorted(maps.Keys(keys))
	isOld, isNew := slices.Equal(names, []string{"a", "b"}), slices.Equal(names, then)
	if !isNew && (err == nil || !isOld) {
		p.Fatalf("after %v: the keys are %v", err, names)
	}
	if keys["a"] != "1" || isOld && keys["b"] != "2" {
		p.Fatalf("after %v: the keys are %v", err, keys)
	}
}

// goesOn asserts that a keyring works.
func (p *place) goesOn(r *kmsfile.Keyring) {
	p.Helper()
	p.store(r, "next", "n")
	again := &place{TB: p.TB, kms: p.kms, Options: p.Options}
	again.FS = nil
	memory, err := p.keysOf(r)
	if err != nil {
		p.Fatal(err)
	}
	reader := again.open()
	defer reader.Close()
	again.is(reader, memory)
}

// Every operation on the file fails in turn.
func TestFileErrors(t *testing.T) {
	eachCase(t, func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string) {
		for n := 1; ; n++ {
			p, fsys := fresh(), faultfs.New()
			p.FS = fsys
			r := p.open()
			fsys.FailAt(n, []error{syscall.EIO, syscall.ENOSPC}[n%2])
			err := do(t, r)
			if !fsys.Hit() {
				if err != nil || n < 5 {
					t.Errorf("without a fault: %v after %d operations", err, n)
				}
				r.Close()
				break
			}
			if err != nil && !errors.Is(err, keyring.ErrUnreachable) {
				t.Errorf("%s fails: %v", fsys.Where(), err)
			}
			fsys.FailAt(0, nil)
			p.agree(r, err, then)
			p.goesOn(r)
			r.Close()
			if t.Failed() {
				t.Fatalf("%s (%d)", fsys.Where(), n)
			}
		}
	})
}

// Two operations fail in a row: what the file holds is not known for a while. What is
// in doubt then is said to be in doubt.
func TestFileErrorsInARow(t *testing.T) {
	eachCase(t, func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string) {
		for n := 1; ; n++ {
			p, fsys := fresh(), faultfs.New()
			p.FS = fsys
			r := p.open()
			fsys.CutAt(n) // everything fails from there on
			err := do(t, r)
			if !fsys.Hit() {
				r.Close()
				break
			}
			if k, fetchErr := r.Fetch(t.Context(), keyring.ID{Name: "a"}); fetchErr != nil {
				t.Errorf("Fetch of a key that is not in doubt: %v", fetchErr)
			} else {
				k.Wipe()
			}
			for _, name := range []string{"b", "c"} {
				if k, fetchErr := r.Fetch(t.Context(), keyring.ID{Name: name}); fetchErr == nil {
					k.Wipe()
				} else if slices.Contains(then, name) && errors.Is(fetchErr, keyring.ErrNotFound) && slices.Contains(namesIn(contentOf(t, p.Path)), name) && !strings.Contains(fmt.Sprint(files(t, filepath.Dir(p.Path))), "backup") {
					t.Errorf("%s: %s is in the file, and Fetch says %v", fsys.Where(), name, fetchErr)
				}
			}
			if err := fsys.Restart(faultfs.EverythingKept); err != nil {
				t.Fatal(err)
			}
			p.agree(r, err, then)
			p.goesOn(r)
			r.Close()
			if t.Failed() {
				t.Fatalf("%s (%d)", fsys.Where(), n)
			}
		}
	})
}

func namesIn(text string) (names []string) {
	for _, part := range strings.Split(text, `"data_id":"`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		names = append(names, name)
	}
	return names
}

// The power is cut at every operation on the file.
func TestPowerCut(t *testing.T) {
	eachCase(t, func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string) {
		outcomes := faultfs.Outcomes
		if !strings.Contains(t.Name(), "the_configured_format") {
			outcomes = outcomes[:1] // the hardest; each costs seconds
		}
		for _, left := range outcomes {
			for n := 1; ; n++ {
				p, fsys := fresh(), faultfs.New()
				p.FS = fsys
				r := p.open()
				fsys.CutAt(n)
				err := do(t, r)
				r.Close()
				if !fsys.Hit() {
					break
				}
				if err := fsys.Restart(left); err != nil {
					t.Fatal(err)
				}
				p.agree(nil, err, then)
				if !strings.Contains(p.log.String(), "was written by another program") {
					p.goesOn(p.open())
				} else {
					t.Error("a file of our own is taken for another program's")
				}
				if t.Failed() {
					t.Fatalf("%s, %s (%d)", fsys.Where(), left, n)
				}
			}
		}
	})
}

// Opening fails at every operation on the file: it says so, and changes nothing.
func TestErrorsAtTheStart(t *testing.T) {
	eachCase(t, func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string) {
		if !slices.Equal(then, []string{"a"}) {
			return // one operation is enough: none is carried out
		}
		p := fresh()
		before := fmt.Sprint(files(t, filepath.Dir(p.Path)))
		for n := 1; ; n++ {
			fsys := faultfs.New()
			p.FS = fsys
			fsys.FailAt(n, syscall.EIO)
			r, err := p.tryOpen()
			if err == nil {
				p.is(r, map[string]string{"a": "1", "b": "2"})
				r.Close()
			} else if keyring.KindOf(err) != keyring.ErrUnreachable {
				t.Errorf("%s: %v", fsys.Where(), err)
			}
			if !fsys.Hit() {
				break
			}
			if after := fmt.Sprint(files(t, filepath.Dir(p.Path))); before != after {
				t.Errorf("%s: something was changed", fsys.Where())
			}
		}
	})
}

// Every request to AWS KMS fails in turn, for good or once, before it is carried out
// or after.
func TestKMSErrors(t *testing.T) {
	eachCase(t, func(t *testing.T, fresh func() *place, do func(*testing.T, *kmsfile.Keyring) error, then []string) {
		for name, c := range map[string]struct {
			fault   kmstest.Fault
			forGood bool
			kind    error // nil: it works all the same
		}{
			"disabled":                  {kmstest.Fault{Code: "DisabledException"}, false, keyring.ErrInactive},
			"out of order":              {kmstest.Fault{Code: "KMSInternalException"}, true, keyring.ErrUnreachable},
			"out of order for once":     {kmstest.Fault{Code: "KMSInternalException"}, false, nil},
			"answers are cut off":       {kmstest.Fault{Cut: true}, true, keyring.ErrUnreachable},
			"an answer is cut off":      {kmstest.Fault{Cut: true}, false, nil},
			"a foreign answer for once": {kmstest.Fault{Status: 502, Body: "<html>"}, false, nil},
		} {
			for n := int64(1); ; n++ {
				p := fresh()
				r := p.open()
				var count atomic.Int64
				p.kms.SetBefore(func(string, int) *kmstest.Fault {
					if i := count.Add(1); i == n || c.forGood && i > n {
						return &c.fault
					}
					return nil
				})
				err := do(t, r)
				p.kms.SetBefore(nil)
				hit := count.Load() >= n
				switch {
				case (!hit || c.kind == nil) && err != nil:
					t.Errorf("%s: %v", name, err)
				case hit && c.kind != nil && err == nil && !c.forGood && count.Load() > n:
					// encrypted in another way
				case hit && c.kind != nil && keyring.KindOf(err) != c.kind:
					t.Errorf("%s: %v, want %v", name, err, c.kind)
				}
				p.agree(r, err, then)
				p.goesOn(r)
				r.Close()
				if t.Failed() {
					t.Fatalf("%s, request %d", name, n)
				}
				if !hit {
					break
				}
			}
		}
	})
}
