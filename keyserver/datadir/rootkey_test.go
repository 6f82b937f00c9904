package datadir_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/bolt"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func rotate(t *testing.T, d *datadir.Dir, s rootkey.Settings, phrase string) datadir.RootKey {
	t.Helper()
	var secretPhrase *secret.Bytes
	if phrase != "" {
		secretPhrase = secret.Copy([]byte(phrase))
	}
	k, n, err := d.RotateRootKey(t.Context(), s, secretPhrase)
	if err != nil || n == 0 || k.DataKeys != 1 {
		t.Fatalf("rotated %d values: %+v, %v", n, k, err)
	}
	return k
}

func phraseIs(phrase string) rootkey.Sources {
	return rootkey.Sources{rootkey.KindPassPhrase: rootkey.PassPhrase{Ask: func() (*secret.Bytes, error) { return secret.Copy([]byte(phrase)), nil }}}
}

// TestRotateRootKey goes from kind to kind and back. The content stays, the old root
// key opens nothing, and its file is gone.
func TestRotateRootKey(t *testing.T) {
	path := made(t)
	beside, elsewhere := filepath.Join(path, "root_key.pem"), filepath.Join(t.TempDir(), "k.pem")
	roots := phraseIs("correct horse battery")
	first := read(t, beside)
	ids := map[string]bool{}
	for _, step := range []struct {
		to     rootkey.Settings
		phrase string
		file   string // that has the root key
	}{
		{rootkey.Settings{Kind: rootkey.KindFile}, "", beside},
		{rootkey.Settings{Kind: rootkey.KindFile, File: elsewhere}, "", elsewhere},
		{rootkey.Settings{Kind: rootkey.KindFile, File: elsewhere}, "", elsewhere},
		{rootkey.Settings{Kind: rootkey.KindPassPhrase}, "correct horse battery", ""},
		{rootkey.Settings{Kind: rootkey.KindPassPhrase}, "correct horse battery", ""},
		{rootkey.Settings{Kind: rootkey.KindFile}, "", beside},
	} {
		d, err := datadir.Open(t.Context(), path, roots, quiet)
		if err != nil {
			t.Fatalf("before %v: %v", step.to, err)
		}
		k := rotate(t, d, step.to, step.phrase)
		if ids[k.ID] || k.ID == "" || k.Kind != step.to.Kind || k.Since.IsZero() {
			t.Errorf("the new root key is %+v", k)
		}
		ids[k.ID] = true
		storetest.Put(t, d.Store, "b", "written after", "v")
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{beside, elsewhere} {
			if _, err := os.Stat(file); (err == nil) != (file == step.file) {
				t.Errorf("after %v: %s: %v", step.to, file, err)
			}
			if _, err := os.Stat(file + ".next"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after %v: %s.next: %v", step.to, file, err)
			}
		}
		if told, err := datadir.ReadRootKey(path); err != nil || told.ID != k.ID {
			t.Errorf("without the root key it says %+v, %v", told, err)
		}
	}
	d, err := datadir.Open(t.Context(), path, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if got := storetest.Dump(t, d.Store, "b", ""); got["k"] != "a readable value" || got["written after"] != "v" {
		t.Errorf("the store has %v", got)
	}
	d.Close()
	if err := os.WriteFile(beside, first, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := datadir.Open(t.Context(), path, nil, quiet); !errors.Is(err, rootkey.ErrWrong) {
		t.Errorf("with the first root key: %v", err)
	}
}

func TestPassPhrase_Wrong(t *testing.T) {
	path := made(t)
	d := open(t, path)
	if _, _, err := d.RotateRootKey(t.Context(), rootkey.Settings{Kind: rootkey.KindPassPhrase}, secret.Copy([]byte("short"))); err == nil {
		t.Fatal("the directory does not know pass phrases, and rotated to one")
	}
	d.Close()
	d, err := datadir.Open(t.Context(), path, phraseIs(""), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.RotateRootKey(t.Context(), rootkey.Settings{Kind: rootkey.KindPassPhrase}, secret.Copy([]byte("short"))); err == nil || !strings.Contains(err.Error(), "fewer than 8") || !strings.Contains(err.Error(), "still the old one") {
		t.Errorf("a short pass phrase: %v", err)
	}
	rotate(t, d, rootkey.Settings{Kind: rootkey.KindPassPhrase}, "correct horse battery")
	d.Close()
	before := read(t, filepath.Join(path, "store.db"))
	for _, phrase := range []string{"correct horse batterx", "short", ""} {
		if _, err := datadir.Open(t.Context(), path, phraseIs(phrase), quiet); !errors.Is(err, rootkey.ErrWrong) || !strings.Contains(err.Error(), "the pass phrase is wrong") {
			t.Errorf("%q: %v", phrase, err)
		}
	}
	if string(before) != string(read(t, filepath.Join(path, "store.db"))) {
		t.Error("a wrong pass phrase changed the store")
	}
	missing := rootkey.Sources{rootkey.KindPassPhrase: rootkey.PassPhrase{Ask: func() (*secret.Bytes, error) { return nil, fs.ErrNotExist }}}
	if _, err := datadir.Open(t.Context(), path, missing, quiet); err == nil || errors.Is(err, rootkey.ErrWrong) || strings.Contains(err.Error(), "backup") {
		t.Errorf("without a pass phrase: %v", err)
	}
}

// TestRotateRootKey_FileOfOthers: the root key of another data directory is not written over.
func TestRotateRootKey_FileOfOthers(t *testing.T) {
	a, b := made(t), made(t)
	shared := rootkey.Settings{Kind: rootkey.KindFile, File: filepath.Join(t.TempDir(), "k.pem")}
	d := open(t, a)
	rotate(t, d, shared, "")
	d.Close()
	e := open(t, b)
	if _, _, err := e.RotateRootKey(t.Context(), shared, nil); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("rotated to the root key's file of another directory: %v", err)
	}
	open(t, a)
	e.Close()
	open(t, b)
}

// TestRotateRootKey_CutOff: a rotation that was killed after the store named the new
// root key, whose file has not got its name yet, goes on; what a later one that was
// killed before has left does no harm.
func TestRotateRootKey_CutOff(t *testing.T) {
	path := made(t)
	key := filepath.Join(path, "root_key.pem")
	d := open(t, path)
	old := read(t, key)
	k := rotate(t, d, rootkey.Settings{Kind: rootkey.KindFile}, "")
	if err := os.Rename(key, key+".next"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, old, 0o600); err != nil {
		t.Fatal(err)
	}
	// The same process goes on to the next, which is cut off before its commit.
	if _, _, err := (rootkey.File{Beside: key}).Make(t.Context(), rootkey.Settings{Kind: rootkey.KindFile, ID: k.ID}, nil); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = open(t, path)
	if _, err := os.Stat(key + ".next"); !errors.Is(err, fs.ErrNotExist) || d.RootKey().ID != k.ID {
		t.Errorf("the root key is %+v, and of the other one is left: %v", d.RootKey(), err)
	}
	rotate(t, d, rootkey.Settings{Kind: rootkey.KindFile}, "")
}

// TestOpen_FormerFormat: a directory whose root key seals the values itself opens, and
// the first rotation puts data keys in between.
func TestOpen_FormerFormat(t *testing.T) {
	path := made(t)
	former(t, path)
	d := open(t, path)
	if k := d.RootKey(); k.Kind != rootkey.KindFile || !k.Since.IsZero() {
		t.Errorf("the root key is %+v", k)
	}
	old := read(t, filepath.Join(path, "root_key.pem"))
	rotate(t, d, rootkey.Settings{Kind: rootkey.KindFile}, "")
	d.Close()
	d = open(t, path)
	if got := storetest.Dump(t, d.Store, "b", ""); got["k"] != "a readable value" {
		t.Errorf("the store has %v", got)
	}
	d.Close()
	raw, err := bolt.Open(filepath.Join(path, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	block, _ := pem.Decode(old)
	if s, err := store.Seal(raw, store.DataKey{Key: secret.Copy(block.Bytes)}); err == nil {
		t.Errorf("the former root key still opens %v", storetest.Dump(t, s, "b", ""))
	}
}

// former makes the directory one of format 1.
func former(t *testing.T, path string) {
	t.Helper()
	d := open(t, path)
	type value struct {
		b       store.Bucket
		key, is string
	}
	var all []value
	err := d.Store.View(func(r store.Reader) error {
		buckets, err := r.Buckets()
		for _, b := range buckets {
			if b == "format" {
				continue
			}
			err = errors.Join(err, r.Range(b, "", func(key string, is []byte) error {
				all = append(all, value{b, key, string(is)})
				return nil
			}))
		}
		return err
	})
	if err = errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	raw, err := bolt.Open(filepath.Join(path, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := rootkey.ReadFile(filepath.Join(path, "root_key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Update(context.Background(), func(w store.Writer) error {
		return errors.Join(w.Put("format", "version", []byte("1")), w.Delete("format", "root_key"), w.Delete("seal", "check"))
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Seal(raw, store.DataKey{Key: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		storetest.Put(t, s, v.b, v.key, v.is)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// slow is a source whose Make waits, as for a key server.
type slow struct {
	rootkey.Source
	in, goOn chan struct{}
}

func (s slow) Make(ctx context.Context, x rootkey.Settings, phrase *secret.Bytes) (rootkey.Settings, rootkey.Key, error) {
	close(s.in)
	<-s.goOn
	return s.Source.Make(ctx, x, phrase)
}

// TestRotateRootKey_Closed: the directory is closed while a rotation waits.
func TestRotateRootKey_Closed(t *testing.T) {
	path := made(t)
	source := slow{phraseIs("correct horse battery")[rootkey.KindPassPhrase], make(chan struct{}), make(chan struct{})}
	d, err := datadir.Open(t.Context(), path, rootkey.Sources{rootkey.KindPassPhrase: source}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	rotated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		_, _, err := d.RotateRootKey(t.Context(), rootkey.Settings{Kind: rootkey.KindPassPhrase}, secret.Copy([]byte("correct horse battery")))
		rotated <- err
	}()
	<-source.in
	go func() { closed <- d.Close() }()
	for d.Store.View(func(store.Reader) error { return nil }) == nil { // until it is closed
	}
	close(source.goOn)
	if err := <-rotated; !errors.Is(err, store.ErrClosed) {
		t.Errorf("the rotation: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	open(t, path)
}
