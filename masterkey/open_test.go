package masterkey

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/faultfs"
	"github.com/dbkeyring/dbkeyring/keyring"
)

func TestMain(m *testing.M) {
	faultfs.UseMemory()
	os.Exit(m.Run())
}

// options are those of a database in dir.
func options(t *testing.T, dir string, p Provider) Options {
	t.Helper()
	return Options{Dir: filepath.Join(dir, FolderName), Provider: p, Activate: true, New: true}
}

func mustOpen(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// dataKey returns the newest data key of a keyid.
func theKey(t *testing.T, s *Store, keyid string) []byte {
	t.Helper()
	keys, err := s.DataKeys(keyid, true)
	if err != nil {
		t.Fatal(err)
	}
	var newest []byte
	for _, k := range keys {
		newest = bytes.Clone(k.Key.Reveal())
		k.Key.Wipe()
	}
	return newest
}

// TestStartTable is Percona Server for MongoDB's decision table for a start.
func TestStartTable(t *testing.T) {
	for name, c := range map[string]struct {
		stored   string // provider and key of the store; "" is a new database
		provider string
		id       string
		inactive bool // activateKeys is false
		setup    func(*fake)
		uses     string // the key that is used
		want     string // the error has it
		kind     error
	}{
		"new, KMIP":                                         {"", KMIP, "", false, nil, "1", "", nil},
		"new, KMIP with a key":                              {"", KMIP, "a", false, nil, "a", "", nil},
		"new, KMIP with a key that is absent":               {"", KMIP, "none", false, nil, "", "'none' (kmip) is absent on its keeper", keyring.ErrNotFound},
		"new, KMIP with a Pre-Active key":                   {"", KMIP, "pre", false, nil, "", "Start once with rotateMasterKey", keyring.ErrInactive},
		"new, KMIP with a Pre-Active key, not activateKeys": {"", KMIP, "pre", true, nil, "pre", "", nil},
		"new, key file":                                     {"", KeyFile, "", false, nil, "", "", nil},
		"new, AWS KMS":                                      {"", AWSKMS, "", false, nil, "1", "", nil},
		"KMIP, no key named":                                {"kmip a", KMIP, "", false, nil, "a", "", nil},
		"KMIP, the same key":                                {"kmip a", KMIP, "a", false, nil, "a", "", nil},
		"KMIP, another key":                                 {"kmip a", KMIP, "b", false, nil, "", "add rotateMasterKey", keyring.ErrInvalid},
		"KMIP, and AWS KMS is configured":                   {"kmip a", AWSKMS, "", false, nil, "", "dbkeyring migrate", keyring.ErrInvalid},
		"AWS KMS, and KMIP is configured":                   {"awsKms a", KMIP, "", false, nil, "", "a KMIP server is configured", keyring.ErrInvalid},
		"KMIP, and a key file with the same bytes":          {"kmip a", KeyFile, "", false, func(f *fake) { f.keys["file"] = f.keys["a"] }, "", "", nil},
		"KMIP, and another key file":                        {"kmip a", KeyFile, "", false, nil, "", "the master key is another one", keyring.ErrCorrupt},
		"key file, and its bytes on KMIP":                   {"keyFile file", KMIP, "a", false, func(f *fake) { f.keys["a"] = f.keys["file"] }, "a", "", nil},
		"key file, and another key on KMIP":                 {"keyFile file", KMIP, "a", false, nil, "", "the master key is another one", keyring.ErrCorrupt},
		"key file, and KMIP without a key":                  {"keyFile file", KMIP, "", false, nil, "", "of the key file", keyring.ErrInvalid},
		"KMIP, deactivated":                                 {"kmip a", KMIP, "", false, func(f *fake) { f.keys["a"].state = Deactivated }, "", "not Active but Deactivated", keyring.ErrInactive},
		"KMIP, compromised, not activateKeys":               {"kmip a", KMIP, "", true, func(f *fake) { f.keys["a"].state = Compromised }, "a", "", nil},
		"KMIP, Pre-Active as older releases left it": {"kmip a", KMIP, "", false, func(f *fake) { f.keys["a"].state = PreActive }, "",
			"makes a new key and exits", keyring.ErrInactive},
		"KMIP, destroyed": {"kmip a", KMIP, "", false, func(f *fake) { delete(f.keys, "a") }, "", "absent on its keeper", keyring.ErrNotFound},
		"KMIP, down":      {"kmip a", KMIP, "", false, func(f *fake) { f.down = keyring.E("read", keyring.ID{}, keyring.ErrUnreachable, nil) }, "", "", keyring.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			f := newFake(c.provider)
			for _, id := range []string{"a", "b", "file"} {
				f.put(id, Active)
			}
			f.put("pre", PreActive)
			var secretKey []byte
			if c.stored != "" {
				provider, id, _ := strings.Cut(c.stored, " ")
				f.name = provider
				o := options(t, dir, f)
				if provider != KeyFile {
					o.KeyIdentifier = id
				}
				s := mustOpen(t, o)
				secretKey = theKey(t, s, "sys")
				s.Close()
				f.name = c.provider
			} else {
				f.keys = map[string]*fakeKey{"a": f.keys["a"], "pre": f.keys["pre"], "file": f.keys["file"]}
				if c.id == "" && c.provider != KeyFile {
					f.keys = map[string]*fakeKey{}
				}
			}
			if c.setup != nil {
				c.setup(f)
			}
			before, _ := os.ReadFile(filepath.Join(dir, FolderName, FileName))
			o := options(t, dir, f)
			o.KeyIdentifier, o.Activate, o.New = c.id, !c.inactive, c.stored == ""
			s, err := Open(t.Context(), o)
			if c.kind != nil {
				if keyring.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v", err)
				}
				if after, _ := os.ReadFile(filepath.Join(dir, FolderName, FileName)); !bytes.Equal(before, after) {
					t.Error("the store was changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := s.Master(); got.ID != c.uses || got.Provider != c.provider || got.Check == "" {
				t.Errorf("it uses %+v", got)
			}
			if secretKey != nil && !bytes.Equal(theKey(t, s, "sys"), secretKey) {
				t.Error("the data key is another one")
			}
			if c.stored == "" && c.id == "" && c.provider != KeyFile && f.keys["1"].state != Active {
				t.Errorf("the new key is %s", f.keys["1"].state)
			}
		})
	}
}

// A store that is not there is made for a new database only: a fresh key instead of the
// one that the data are encrypted with would be the end of them.
func TestStoreIsMissing(t *testing.T) {
	dir := t.TempDir()
	f := newFake(KMIP)
	o := options(t, dir, f)
	s := mustOpen(t, o)
	theKey(t, s, "sys")
	s.Close()
	path := filepath.Join(o.Dir, FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o.New = false
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrCorrupt || !strings.Contains(err.Error(), "Restore it from the backup") {
		t.Errorf("%v", err)
	}
	if len(f.keys) != 1 {
		t.Errorf("%d master keys were made", len(f.keys))
	}
	// Nor is one that is damaged overwritten, whichever byte it is.
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 4
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, fresh := range []bool{false, true} {
			o.New = fresh
			if s, err := Open(t.Context(), o); err == nil {
				s.Close()
				t.Fatalf("byte %d can be changed", i)
			}
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, damaged) {
			t.Fatalf("byte %d: the damaged store was overwritten", i)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, o)
}

// Who can write the file, and does not have the master key, cannot make the store use
// keys of his own, or fewer of them.
func TestForgery(t *testing.T) {
	f := newFake(KMIP)
	o := options(t, t.TempDir(), f)
	s := mustOpen(t, o)
	theKey(t, s, "sys")
	theKey(t, s, "db")
	s.Close()
	whole, err := s.file.read()
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*content){
		"a key less":     func(c *content) { c.Keys = c.Keys[:1] },
		"keys exchanged": func(c *content) { c.Keys[0].Key, c.Keys[1].Key = c.Keys[1].Key, c.Keys[0].Key },
		"another name":   func(c *content) { c.Keys[1].ID = "other" },
		"another store":  func(c *content) { c.Store = strings.Repeat("0", 32) },
		"no code":        func(c *content) { c.MAC = nil },
	} {
		c := whole.clone()
		forge(c)
		if err := s.file.write(c); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrCorrupt {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
}

func TestDataKeys(t *testing.T) {
	f := newFake(KMIP)
	o := options(t, t.TempDir(), f)
	s := mustOpen(t, o)
	if _, err := s.DataKeys("sys", false); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("absent: %v", err)
	}
	first := theKey(t, s, "sys")
	if !bytes.Equal(theKey(t, s, "sys"), first) || bytes.Equal(theKey(t, s, "db"), first) {
		t.Error("a keyid has one key, and another has another")
	}
	rolled, err := s.Roll("sys")
	if err != nil || len(rolled) != 2 || !bytes.Equal(rolled[0].Key.Reveal(), first) || rolled[0].Tag == rolled[1].Tag {
		t.Fatalf("%v, %v", rolled, err)
	}
	second := bytes.Clone(rolled[1].Key.Reveal())
	for _, id := range []string{"", "a\x00", "a\n", "\xff", strings.Repeat("x", 256)} {
		if _, err := s.DataKeys(id, true); keyring.KindOf(err) != keyring.ErrInvalid {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "Stop it first") {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
	if _, err := s.DataKeys("sys", true); err == nil {
		t.Error("it answers after Close")
	}
	o.New = false
	s = mustOpen(t, o)
	if got := s.KeyIDs(); len(got) != 2 || !bytes.Equal(theKey(t, s, "sys"), second) {
		t.Errorf("after a restart: %v", got)
	}
	text, err := os.ReadFile(filepath.Join(o.Dir, FileName))
	if err != nil || bytes.Contains(text, first) || bytes.Contains(text, f.keys["1"].key.Reveal()) {
		t.Errorf("a key is in the file as it is: %v", err)
	}
}

// What was made when no answer came is taken up, not made again.
func TestFirstIsInterrupted(t *testing.T) {
	f := newFake(KMIP)
	o := options(t, t.TempDir(), f)
	f.lost = true
	if _, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Fatal(err)
	}
	f.failing = "activate"
	if _, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrDenied {
		t.Fatal(err)
	}
	f.failing = ""
	s := mustOpen(t, o)
	if len(f.keys) != 1 || s.Master().ID != "1" || f.keys["1"].state != Active {
		t.Errorf("%d keys, %+v", len(f.keys), s.Master())
	}
	s.Close()
	// One that somebody has revoked meanwhile is not.
	f, o = newFake(KMIP), options(t, t.TempDir(), nil)
	o.Provider, f.failing = f, "activate"
	if _, err := Open(t.Context(), o); err == nil {
		t.Fatal("opened")
	}
	f.failing, f.keys["1"].state = "", Compromised
	if s := mustOpen(t, o); s.Master().ID != "2" {
		t.Errorf("%+v", s.Master())
	}
}

func TestContext(t *testing.T) {
	f := newFake(KMIP)
	o := options(t, t.TempDir(), f)
	f.down = context.DeadlineExceeded
	if _, err := Open(t.Context(), o); keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("%v", err)
	}
}

// A folder that cannot be looked into is not one of a new database.
func TestNewDatabase(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, DataFile)
	for _, c := range []struct {
		what string
		do   func() error
		want bool
		fail bool
	}{
		{"empty folder", func() error { return nil }, true, false},
		{"empty file", func() error { return os.WriteFile(data, nil, 0o600) }, true, false},
		{"data", func() error { return os.WriteFile(data, []byte("x"), 0o600) }, false, false},
		{"loop of links", func() error { return errors.Join(os.Remove(data), os.Symlink(data, data)) }, false, true},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if got, err := NewDatabase(dir); got != c.want || (err != nil) != c.fail {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}
}
