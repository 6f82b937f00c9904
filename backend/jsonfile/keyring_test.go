package jsonfile_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/jsonfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestConformance(t *testing.T) {
	keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
		path := filepath.Join(t.TempDir(), "keyring.json")
		return func() keyring.Keyring { return open(t, jsonfile.Options{Path: path}) }
	}, keyringtest.Limits{})
}

func open(t testing.TB, o jsonfile.Options) *jsonfile.Keyring {
	t.Helper()
	r, err := jsonfile.Open(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

func contentOf(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func key(typ, content string) keyring.Key {
	return keyring.Key{Type: typ, Data: secret.Copy([]byte(content))}
}

func has(t testing.TB, r keyring.Keyring, id keyring.ID, typ, content string) {
	t.Helper()
	k, err := r.Fetch(t.Context(), id)
	if err != nil {
		t.Errorf("Fetch %s: %v", id, err)
		return
	}
	defer k.Wipe()
	if k.Type != typ || string(k.Data.Reveal()) != content {
		t.Errorf("Fetch %s: %s, %d bytes", id, k.Type, k.Data.Len())
	}
}

// The texts are those that component_keyring_file of MySQL 9.7 writes for the
// same keys: the order of the members, no blanks, and which characters are
// escaped.
const (
	one   = `{"user":"","data_id":"INNODBKey-1","data_type":"AES","data":"0001FEFF","extension":[]}`
	two   = `{"user":"root@localhost","data_id":"a\"\\/\u0001\n\t\u007F` + "\xff" + `é","data_type":"secret","data":"6162","extension":[]}`
	three = `{"user":"u","data_id":"x","data_type":"AES","data":"63","extension":[]}`
)

func text(elements ...string) string {
	return `{"version":"1.0","elements":[` + strings.Join(elements, ",") + `]}`
}

func TestTextIsTheComponents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	write(t, path, "")
	r := open(t, jsonfile.Options{Path: path})
	for _, s := range []struct {
		id keyring.ID
		k  keyring.Key
	}{
		{keyring.ID{Name: "INNODBKey-1"}, key("AES", "\x00\x01\xfe\xff")},
		{keyring.ID{Name: "a\"\\/\x01\n\t\x7f\xffé", Owner: "root@localhost"}, key("secret", "ab")},
		{keyring.ID{Name: "x", Owner: "u"}, key("AES", "c")},
	} {
		if err := r.Store(t.Context(), s.id, s.k); err != nil {
			t.Fatal(err)
		}
	}
	second := strings.Replace(two, `\u007F`, "\x7f", 1)
	if got, want := contentOf(t, path), text(one, second, three); got != want {
		t.Errorf("written:\n%q\nwant:\n%q", got, want)
	}
	if err := r.Remove(t.Context(), keyring.ID{Name: "INNODBKey-1"}); err != nil {
		t.Fatal(err)
	}
	if got, want := contentOf(t, path), text(second, three); got != want {
		t.Errorf("after Remove:\n%q\nwant:\n%q", got, want)
	}
}

func TestReadsMoreThanItWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	write(t, path, " {\"more\" : {\"a\":[1,\"]\"]},\n\"elements\":[\r\n {\"extension\": [ {\"b\": null} ], \"data\":\"\\u0030a\", \"data_type\":\"AES\",\t\"data_id\":\"\\ud83d\\ude00\", \"user\":\"\", \"since\":-1.5e3} ] , \"version\":\"1.0\"} \n")
	r := open(t, jsonfile.Options{Path: path})
	has(t, r, keyring.ID{Name: "😀"}, "AES", "\n")
	if err := r.Store(t.Context(), keyring.ID{Name: "x", Owner: "u"}, key("AES", "c")); err != nil {
		t.Fatal(err)
	}
	want := `{"version":"1.0","elements":[{"user":"","data_id":"😀","data_type":"AES","data":"0A","extension":[ {"b": null} ],"since":-1.5e3},` + three + `],"more" :{"a":[1,"]"]}}`
	if got := contentOf(t, path); got != want {
		t.Errorf("written:\n%q\nwant:\n%q", got, want)
	}
}

func TestDamaged(t *testing.T) {
	for in, want := range map[string]string{
		" ":                                 `byte 1: the file ends where '{' is due: it was cut off`,
		"[]":                                `byte 0: '{' is due here`,
		`{}`:                                `byte 0: the member "version" is missing`,
		text() + "x":                        `byte 31: something follows the closing brace`,
		text() + "\x00":                     `byte 31: something follows the closing brace`,
		`{"version":"1.0"}`:                 `byte 0: the member "elements" is missing`,
		`{"version":"2.0","elements":[]}`:   `byte 1: the version of the file is not 1.0`,
		`{"version":1,"elements":[]}`:       `byte 11: a string is due here`,
		`{"version":"1.0","version":"1.0"}`: `byte 17: the member stands twice`,
		`{"version":"1.0","elements":{}}`:   `byte 28: '[' is due here`,
		text(one)[:80]:                      `byte 80, in element 1: the file ends within a string: it was cut off`,
		text(one)[:114]:                     `byte 114, in element 1: the file ends where '}' is due: it was cut off`,
		text(one, `{}`):                     `byte 116, in element 2: user, data_id, data_type, data, extension missing`,
		text(one, strings.Replace(three, "63", "6", 1)):        `byte 167, in element 2: the key has an odd number of hexadecimal digits`,
		text(strings.Replace(three, "63", "6g", 1)):            `byte 82, in element 1: the key has a character that is no hexadecimal digit`,
		text(strings.Replace(three, "63", `\q3`, 1)):           `byte 80, in element 1: the string has an escape that JSON does not know`,
		text(strings.Replace(three, `"x"`, `"\ud800"`, 1)):     `byte 51, in element 1: the string has an escape that JSON does not know`,
		text(strings.Replace(three, `"x"`, "\"\x01\"", 1)):     `byte 52, in element 1: a control character stands in a string`,
		text(strings.Replace(three, `"x"`, `"\u0000"`, 1)):     `byte 29, in element 1: the key's name, owner or type contains a NUL`,
		text(strings.Replace(three, `"x"`, `""`, 1)):           `byte 29, in element 1: the key has no name`,
		text(strings.Replace(three, `"AES"`, `""`, 1)):         `byte 29, in element 1: the key has no type`,
		text(strings.Replace(three, `"63"`, `""`, 1)):          `byte 29, in element 1: the key has 0 bytes; it may have 1 to 16384`,
		text(strings.Replace(three, `[]`, `{}`, 1)):            `byte 97, in element 1: a list is due here`,
		text(strings.Replace(three, `[]`, `[x]`, 1)):           `byte 97, in element 1: this is not JSON`,
		text(strings.Replace(three, `,"extension":[]`, ``, 1)): `byte 29, in element 1: extension missing`,
		text(three, three): `byte 101, in element 2: there is a key 'x' of 'u' already`,
	} {
		path := filepath.Join(t.TempDir(), "k")
		write(t, path, in)
		_, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path}, nil)
		if !errors.Is(err, keyring.ErrCorrupt) || !strings.Contains(err.Error(), path+", "+want+".") {
			t.Errorf("%s:\ngot  %v\nwant %s", in, err, want)
		}
		if got := contentOf(t, path); got != in {
			t.Errorf("%s: the file was changed", in)
		}
	}
}

// The files of two other components look the same, but for what their keys are.
func TestEncryptedByKMS(t *testing.T) {
	blob := append([]byte{1, 2, 2, 0, 0x78}, make([]byte, 160)...)
	base64Text := []byte(base64.StdEncoding.EncodeToString(blob))
	for name, c := range map[string]struct {
		data []byte
		ok   bool
	}{"component_keyring_aws": {blob, false}, "component_keyring_kms": {base64Text, false}, "a long key": {blob[1:], true}, "a short one": {blob[:32], true}} {
		path := filepath.Join(t.TempDir(), "k")
		write(t, path, text(strings.Replace(three, `"63"`, fmt.Sprintf(`"%X"`, c.data), 1)))
		_, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path}, nil)
		if c.ok != (err == nil) || !c.ok && (!errors.Is(err, keyring.ErrCorrupt) || !strings.Contains(err.Error(), "another component's") || strings.Contains(err.Error(), "damaged")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nor is the file of component_keyring_kms in the format of our own taken for a damaged one.
func TestOurFormatForKMS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	write(t, path, `{"version":"dbkeyring 1.0","checksum":"","elements":[]}`)
	_, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path}, nil)
	if !errors.Is(err, keyring.ErrCorrupt) || !strings.Contains(err.Error(), "component_keyring_kms") || strings.Contains(err.Error(), "damaged") {
		t.Errorf("Open: %v", err)
	}
}

// The component writes FILE.backup, then FILE, then removes FILE.backup.
func TestBackup(t *testing.T) {
	id1, id2 := keyring.ID{Name: "INNODBKey-1"}, keyring.ID{Name: "x", Owner: "u"}
	for name, c := range map[string]struct {
		main, backup string
		want         []keyring.ID // nil: damaged
		log          string
	}{
		"cut off while the file was written":    {text(one, three)[:100], text(one, three), []keyring.ID{id1, id2}, "its backup is what counts"},
		"cut off before the backup went":        {text(one, three), text(one, three), []keyring.ID{id1, id2}, "its backup is what counts"},
		"the file was emptied and not written":  {"", text(one), []keyring.ID{id1}, "its backup is what counts"},
		"cut off while the backup was written":  {text(one), text(one, three)[:100], []keyring.ID{id1}, "the backup of it is passed over"},
		"cut off before the backup was written": {text(one), "", []keyring.ID{id1}, ""},
		"both damaged":                          {text(one)[:30], text(one)[:40], nil, ""},
		"an empty file beside a damaged backup": {"", text(one)[:40], nil, ""},
	} {
		for _, readOnly := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%t", name, readOnly), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "k")
				write(t, path, c.main)
				write(t, path+".backup", c.backup)
				var log bytes.Buffer
				r, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path, ReadOnly: readOnly}, slog.New(slog.NewTextHandler(&log, nil)))
				if c.want == nil {
					if !errors.Is(err, keyring.ErrCorrupt) || !strings.Contains(err.Error(), path+".backup, byte 40") {
						t.Errorf("damaged: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if ids, err := r.List(t.Context()); fmt.Sprint(ids) != fmt.Sprint(c.want) {
					t.Errorf("List: %v, %v; want %v", ids, err, c.want)
				}
				if (c.log == "") != (log.Len() == 0) || !strings.Contains(log.String(), c.log) {
					t.Errorf("the log says: %s", log.String())
				}
				err = r.Store(t.Context(), keyring.ID{Name: "new"}, key("AES", "n"))
				if readOnly {
					if !errors.Is(err, keyring.ErrReadOnly) {
						t.Errorf("Store: %v", err)
					}
					if contentOf(t, path) != c.main || contentOf(t, path+".backup") != c.backup {
						t.Error("a read-only keyring changed a file")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(path + ".backup"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the backup is still there: the component would take it for the truth (%v)", err)
				}
				has(t, open(t, jsonfile.Options{Path: path}), c.want[len(c.want)-1], "AES", map[int]string{1: "\x00\x01\xfe\xff", 2: "c"}[len(c.want)])
			})
		}
	}
}

func TestMode(t *testing.T) {
	dir := t.TempDir()
	fresh, old := filepath.Join(dir, "fresh"), filepath.Join(dir, "old")
	write(t, old, text(one))
	if err := os.Chmod(old, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{fresh: 0o640, old: 0o600} {
		r := open(t, jsonfile.Options{Path: path})
		if err := r.Store(t.Context(), keyring.ID{Name: "n"}, key("AES", "n")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if all, _ := os.ReadDir(dir); len(all) != 2 {
		t.Errorf("files were left behind: %v", all)
	}
}

func TestReadOnlyWantsAFile(t *testing.T) {
	_, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: filepath.Join(t.TempDir(), "none"), ReadOnly: true}, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

func TestStoreAllIsAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	write(t, path, text(three))
	r := open(t, jsonfile.Options{Path: path})
	ids := []keyring.ID{{Name: "a"}, {Name: "x", Owner: "u"}}
	keys := []keyring.Key{key("AES", "1"), key("AES", "2")}
	if err := r.StoreAll(t.Context(), ids, keys); !errors.Is(err, keyring.ErrExists) || !strings.Contains(err.Error(), "'x' of 'u'") {
		t.Errorf("StoreAll: %v", err)
	}
	if got := contentOf(t, path); got != text(three) {
		t.Errorf("written: %s", got)
	}
	if ids, _ := r.List(t.Context()); len(ids) != 1 {
		t.Errorf("List: %v", ids)
	}
	ids[1].Owner = "v"
	if err := r.StoreAll(t.Context(), ids, keys); err != nil {
		t.Fatal(err)
	}
	has(t, open(t, jsonfile.Options{Path: path}), ids[1], "AES", "2")
}

// Two processes of ours beside each other lose nothing, and see each other.
func TestTwoAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	a, b := open(t, jsonfile.Options{Path: path}), open(t, jsonfile.Options{Path: path})
	var wg sync.WaitGroup
	for i, r := range []*jsonfile.Keyring{a, b} {
		wg.Go(func() {
			for n := range 30 {
				if err := r.Store(context.Background(), keyring.ID{Name: fmt.Sprint(i, n)}, key("AES", "x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, r := range []*jsonfile.Keyring{a, b} {
		if ids, err := r.List(t.Context()); len(ids) != 60 {
			t.Errorf("%d keys, %v", len(ids), err)
		}
	}
}

// Who waits for another process gives up in time, and has changed nothing.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k")
	write(t, path, text(one))
	r := open(t, jsonfile.Options{Path: path})
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Store(ctx, keyring.ID{Name: "n"}, key("AES", "n")); !errors.Is(err, keyring.ErrUnreachable) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Store: %v", err)
	}
	if contentOf(t, path) != text(one) {
		t.Error("the file was changed")
	}
}

// What is no file, or too large, is refused and not read.
func TestNoRegularFile(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	write(t, large, "")
	if err := os.Truncate(large, 1<<30+1); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "not a regular file", pipe: "not a regular file", large: "bytes, and 1073741824 are read at most"} {
		if _, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: path}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// When the file cannot be written, the keyring says so and is as before.
func TestFailedWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "k")
	r := open(t, jsonfile.Options{Path: path})
	if err := r.Store(t.Context(), keyring.ID{Name: "a"}, key("AES", "a")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if err := r.Store(t.Context(), keyring.ID{Name: "b"}, key("AES", "b")); !errors.Is(err, keyring.ErrUnreachable) {
		t.Errorf("Store: %v", err)
	}
	if err := os.Rename(dir+"-gone", dir); err != nil {
		t.Fatal(err)
	}
	if ids, err := r.List(t.Context()); len(ids) != 1 {
		t.Errorf("List: %v, %v", ids, err)
	}
}
