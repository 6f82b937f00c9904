package kmsfile_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestConformance(t *testing.T) {
	for _, f := range formats {
		t.Run(string(f), func(t *testing.T) {
			keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
				p := newPlace(t, f)
				return func() keyring.Keyring { return p.open() }
			}, keyringtest.Limits{MaxSize: 4096})
		})
	}
}

// A file as Percona's component writes it: put together by hand, read, written again
// with one key more, and the rest as it was to the byte.
func TestPerconasFile(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	one := p.element(keyring.ID{Name: "INNODBKey-1"}, "AES", "0123456789abcdef")
	blob := p.encrypted("two", nil)
	two := `{"user":"root@localhost","data_id":"a\"\\\/\u0001\u00e9","data_type":"secret","data":"` + fmt.Sprintf("%x", base64.StdEncoding.EncodeToString(blob)) + `","extension":[]}`
	p.write(p.Path, perconaText(one, two))
	r := p.open()
	tricky := keyring.ID{Name: "a\"\\/\x01é", Owner: "root@localhost"}
	k, err := r.Fetch(t.Context(), tricky)
	if err != nil || k.Type != "secret" || string(k.Data.Reveal()) != "two" {
		t.Fatalf("Fetch: %v, %v", k, err)
	}
	k.Wipe()
	p.is(r, map[string]string{"INNODBKey-1": "0123456789abcdef", tricky.Name: "two"})
	p.store(r, "three", "3")

	data := dataOf(t, p.Path)
	two = "{\"user\":\"root@localhost\",\"data_id\":\"a\\\"\\\\/\\u0001é\",\"data_type\":\"secret\",\"data\":\"" + fmt.Sprintf("%X", base64.StdEncoding.EncodeToString(blob)) + `","extension":[]}`
	want := perconaText(one, two, `{"user":"","data_id":"three","data_type":"AES","data":"`+data[2]+`","extension":[]}`)
	if got := contentOf(t, p.Path); got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
	text, err := hex.DecodeString(data[2])
	if err != nil {
		t.Fatal(err)
	}
	blob, err = base64.StdEncoding.DecodeString(string(text))
	if err != nil || data[2] != strings.ToUpper(data[2]) {
		t.Fatalf("%s: %v", data[2], err)
	}
	if got := p.decrypted(awskms.Blob{Data: blob}, nil); got != "3" {
		t.Errorf("decrypted: %q", got)
	}
	sum := sha256.Sum256([]byte(want))
	if got, want := contentOf(t, p.Path+".sha256"), hex.EncodeToString(sum[:])+"  keys\n"; got != want {
		t.Errorf("checksum: %q, want %q", got, want)
	}
}

// dataOf reads the members data of a file with another JSON library.
func dataOf(t *testing.T, path string) (data []string) {
	t.Helper()
	var doc struct{ Elements []struct{ Data string } }
	if err := json.Unmarshal([]byte(contentOf(t, path)), &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range doc.Elements {
		data = append(data, e.Data)
	}
	return data
}

func (p *place) decrypted(b awskms.Blob, with awskms.Context) string {
	p.Helper()
	c, err := awskms.New(p.Context(), p.kms.Options())
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	s, err := c.Decrypt(p.Context(), b, with)
	if err != nil {
		p.Fatal(err)
	}
	defer s.Wipe()
	return string(s.Reveal())
}

// Our own format, put together from its parts.
func TestOurFile(t *testing.T) {
	p := newPlace(t, kmsfile.FormatDBKeyring)
	p.Keys = append(p.Keys, p.kms.NewKey("us-west-2"))
	r := p.open()
	ids := []keyring.ID{{Name: "a"}, {Name: "b\xff\n", Owner: "root@localhost"}}
	for _, id := range ids {
		if err := r.Store(t.Context(), id, keyring.Key{Type: "AES", Data: secret.Copy([]byte("key of " + id.Name))}); err != nil {
			t.Fatal(err)
		}
	}
	type wrapped struct {
		Key  string
		Data []byte
	}
	var doc struct {
		Keyring  string
		Elements []struct{ Wrapped []wrapped }
	}
	text := contentOf(t, p.Path)
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	list := func(w []wrapped) string {
		var parts []string
		for i, c := range w {
			if c.Key != p.Keys[i] {
				t.Errorf("copy %d is %s's", i, c.Key)
			}
			parts = append(parts, `{"key":"`+c.Key+`","data":"`+base64.StdEncoding.EncodeToString(c.Data)+`"}`)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	rest := `","keyring":"` + doc.Keyring + `","generation":2,"elements":[` +
		`{"user":"","data_id":"a","data_type":"AES","wrapped":` + list(doc.Elements[0].Wrapped) + `,"extension":[]},` +
		`{"user":"root@localhost","data_id":"b` + "\xff" + `\n","data_type":"AES","wrapped":` + list(doc.Elements[1].Wrapped) + `,"extension":[]}]}`
	const start = `{"version":"dbkeyring 1.0","checksum":"`
	sum := sha256.Sum256([]byte(start + rest))
	if want := start + hex.EncodeToString(sum[:]) + rest; text != want || len(doc.Keyring) != 32 {
		t.Errorf("written:\n%s\nwant:\n%s", text, want)
	}
	for i, with := range []awskms.Context{
		{"data_id": "a", "data_type": "AES"},
		{"data_id": "base64:Yv8K", "user": "root@localhost", "data_type": "AES"},
	} {
		for _, c := range doc.Elements[i].Wrapped {
			if got := p.decrypted(awskms.Blob{KeyARN: c.Key, Data: c.Data}, with); got != "key of "+ids[i].Name {
				t.Errorf("decrypted: %q", got)
			}
		}
	}
	if _, err := os.Stat(p.Path + ".sha256"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file has its checksum in it, and another one beside it: %v", err)
	}
}

// A key that is renamed in the file does not decrypt: AWS KMS knows its name.
func TestContextBinds(t *testing.T) {
	p := newPlace(t, kmsfile.FormatDBKeyring)
	p.store(p.open(), "aaa", "1")
	for _, change := range [][2]string{{`"data_id":"aaa"`, `"data_id":"bbb"`}, {`"user":""`, `"user":"u"`}, {`"AES"`, `"RSA"`}} {
		text := resealed(strings.Replace(contentOf(t, p.Path), change[0], change[1], 1))
		q := &place{TB: t, kms: p.kms, Options: p.Options}
		q.Path = filepath.Join(t.TempDir(), "other")
		q.write(q.Path, text)
		_, err := q.tryOpen()
		q.fails("Open with "+change[1], err, keyring.ErrCorrupt, q.Path, "AWS KMS Decrypt")
	}
}

// resealed is a text of our format with a checksum that is right.
func resealed(text string) string {
	const start = `{"version":"dbkeyring 1.0","checksum":"`
	rest := text[len(start)+64:]
	sum := sha256.Sum256([]byte(start + rest))
	return start + hex.EncodeToString(sum[:]) + rest
}

// What cannot be is refused before AWS KMS is asked.
func TestInvalidWithoutAsking(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		r := p.open()
		before := fmt.Sprint(p.kms.Requests())
		long := keyring.Key{Type: "AES", Data: secret.New(4097)}
		p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "a"}, long), keyring.ErrInvalid, "4097 bytes; it may have 1 to 4096")
		p.fails("Generate", r.Generate(t.Context(), keyring.ID{Name: "a"}, "AES", 4097), keyring.ErrInvalid)
		p.fails("Check", r.Check(keyring.ID{Name: "a"}, "AES", 4097), keyring.ErrInvalid)
		p.store(r, "a", "1")
		encrypted := p.kms.Requests()["Encrypt"]
		p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "a"}, key("2")), keyring.ErrExists)
		if n := p.kms.Requests()["Encrypt"]; n != encrypted {
			t.Errorf("AWS KMS was asked to encrypt a key of a name that is taken")
		}
		if before == fmt.Sprint(p.kms.Requests()) {
			t.Error("requests are not counted")
		}
	})
}

func TestOptions(t *testing.T) {
	p := newPlace(t, kmsfile.FormatPercona)
	for want, change := range map[string]func(o *kmsfile.Options){
		"no KMS key is named":    func(o *kmsfile.Options) { o.Keys = nil },
		"no keyring file":        func(o *kmsfile.Options) { o.Path = "" },
		"no format":              func(o *kmsfile.Options) { o.Format = "x" },
		"is named twice":         func(o *kmsfile.Options) { o.Keys = append(o.Keys, o.Keys[0]) },
		"in another region than": func(o *kmsfile.Options) { o.AWS.Region = "us-east-1" },
	} {
		q := &place{TB: t, kms: p.kms, Options: p.Options}
		q.Keys = append([]string(nil), p.Keys...)
		change(&q.Options)
		_, err := q.tryOpen()
		p.fails(want, err, keyring.ErrInvalid, want)
	}
	p.AWS.Region = ""
	p.store(p.open(), "a", "1") // in the region of the ARN
}

// The KMS key is looked at when the keyring is opened, not when a key is stored.
func TestKMSKey(t *testing.T) {
	denied := func(ops ...string) func(string, int) *kmstest.Fault {
		return func(op string, n int) *kmstest.Fault {
			for _, o := range ops {
				if o == op {
					return &kmstest.Fault{Code: "AccessDeniedException", Message: "User is not authorized"}
				}
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		setup    func(p *place)
		kind     error
		text     string
		readOnly error
	}{
		"fine":                {func(p *place) {}, nil, "", nil},
		"an alias":            {func(p *place) { p.kms.SetAlias("alias/x", p.Keys[0]); p.Keys = []string{"alias/x"} }, nil, "", nil},
		"unknown":             {func(p *place) { p.Keys = []string{"alias/none"} }, keyring.ErrDenied, "alias/none", keyring.ErrDenied},
		"disabled":            {func(p *place) { p.kms.SetState(p.Keys[0], "Disabled") }, keyring.ErrInactive, "Enable it", nil},
		"to be deleted":       {func(p *place) { p.kms.SetState(p.Keys[0], "PendingDeletion") }, keyring.ErrInactive, "will be deleted on", nil},
		"of another use":      {func(p *place) { p.Keys = []string{p.kms.NewKeyOf(kmstest.Region, "GENERATE_VERIFY_MAC", "HMAC_256")} }, keyring.ErrInvalid, "is for something else", keyring.ErrInvalid},
		"not to be looked at": {func(p *place) { p.kms.SetBefore(denied("DescribeKey")) }, nil, "", nil},
		"not to be used":      {func(p *place) { p.kms.SetBefore(denied("DescribeKey", "Encrypt")) }, keyring.ErrDenied, "Encrypt", nil},
		"nobody answers":      {func(p *place) { p.AWS.Endpoint = "http://127.0.0.1:1" }, keyring.ErrUnreachable, "AWS KMS", keyring.ErrUnreachable},
		"not to be decrypted": {func(p *place) { p.kms.SetBefore(denied("DescribeKey", "Decrypt")) }, nil, "", keyring.ErrDenied},
		"throttled for a while": {func(p *place) {
			p.kms.SetBefore(func(op string, n int) *kmstest.Fault {
				if n == 0 {
					return &kmstest.Fault{Code: "ThrottlingException"}
				}
				return nil
			})
		}, nil, "", nil},
	} {
		for _, f := range formats {
			t.Run(name+"/"+string(f), func(t *testing.T) {
				p := newPlace(t, f)
				c.setup(p)
				_, err := p.tryOpen()
				if c.kind == nil && err != nil || c.kind != nil && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text)) {
					t.Errorf("Open: %v", err)
				}
				if _, err := os.Stat(p.Path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Open made the file: %v", err)
				}
				p.write(p.Path, perconaText())
				q := p.readOnly()
				_, err = q.tryOpen()
				if c.readOnly == nil && err != nil || c.readOnly != nil && !errors.Is(err, c.readOnly) {
					t.Errorf("read only: %v", err)
				}
			})
		}
	}
}

// Opening decrypts everything or fails, with the kind of what went wrong.
func TestDecryptFails(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		r := p.open()
		for i := range 5 {
			p.store(r, fmt.Sprint("key-", i), "x")
		}
		for code, kind := range map[string]error{
			"ThrottlingException": keyring.ErrUnreachable, "KMSInternalException": keyring.ErrUnreachable, "AccessDeniedException": keyring.ErrDenied,
			"DisabledException": keyring.ErrInactive, "KMSInvalidStateException": keyring.ErrInactive, "InvalidCiphertextException": keyring.ErrCorrupt,
			"ExpiredTokenException": keyring.ErrDenied,
		} {
			p.kms.SetBefore(func(op string, n int) *kmstest.Fault {
				if op != "Decrypt" {
					return nil
				}
				return &kmstest.Fault{Code: code, Message: "the text of AWS"}
			})
			_, err := p.tryOpen()
			p.fails(code, err, kind, p.Path, "the key 'key-", "the text of AWS", code)
			if keyring.KindOf(err) != kind || errors.Is(err, keyring.ErrNotFound) {
				t.Errorf("%s: of more than one kind: %v", code, err)
			}
		}
		p.kms.SetBefore(nil)
		p.is(p.open(), map[string]string{"key-0": "x", "key-1": "x", "key-2": "x", "key-3": "x", "key-4": "x"})
	})
}

// After the opening, reads ask nobody; the status tells what was asked.
func TestReadsAskNobody(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		p.store(p.open(), "a", "1")
		r := p.open()
		p.kms.SetBefore(func(op string, n int) *kmstest.Fault { return &kmstest.Fault{Code: "KMSInternalException"} })
		before := fmt.Sprint(p.kms.Requests())
		p.is(r, map[string]string{"a": "1"})
		if after := fmt.Sprint(p.kms.Requests()); before != after {
			t.Errorf("requests: %s, then %s", before, after)
		}
		p.fails("Store", r.Store(t.Context(), keyring.ID{Name: "b"}, key("2")), keyring.ErrUnreachable, "AWS KMS Encrypt")
		p.is(r, map[string]string{"a": "1"})
		rows := map[string]string{}
		for _, row := range r.Status() {
			rows[row.Name] = row.Value
		}
		if rows["Keys"] != "1" || !strings.Contains(rows["Kms_requests"], "Decrypt 1") || !strings.Contains(rows["Kms_last_error"], "KMSInternalException") ||
			!strings.HasSuffix(rows["Kms_last_success"], " UTC") || rows["Data_file_format"] != string(p.Format) {
			t.Errorf("status: %v", rows)
		}
		p.kms.SetBefore(nil)
		p.store(r, "b", "2")
	})
}

// A file in the other format is read as it is, and written in the configured one.
func TestOtherFormat(t *testing.T) {
	for i, f := range formats {
		t.Run(string(f), func(t *testing.T) {
			p := newPlace(t, f)
			r := p.open()
			p.store(r, "a", "1")
			p.store(r, "b", "2")
			r.Close()
			text := contentOf(t, p.Path)
			p.Format = formats[1-i]
			r = p.open()
			p.is(r, map[string]string{"a": "1", "b": "2"})
			if contentOf(t, p.Path) != text {
				t.Error("opening changed the file")
			}
			p.store(r, "c", "3")
			if n := strings.Count(p.log.String(), "the keyring file has the format"); n != 1 {
				t.Errorf("%d lines in the log: %s", n, p.log.String())
			}
			p.is(p.open(), map[string]string{"a": "1", "b": "2", "c": "3"})
			ours := strings.HasPrefix(contentOf(t, p.Path), `{"version":"dbkeyring 1.0"`)
			_, err := os.Stat(p.Path + ".sha256")
			if ours != (p.Format == kmsfile.FormatDBKeyring) || ours != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("written: %s (%v)", contentOf(t, p.Path), err)
			}
		})
	}
}

func TestStoreAll(t *testing.T) {
	bothFormats(t, func(t *testing.T, p *place) {
		r := p.open()
		p.store(r, "taken", "0")
		var ids []keyring.ID
		var keys []keyring.Key
		for i := range 100 {
			ids = append(ids, keyring.ID{Name: fmt.Sprint("key-", i)})
			keys = append(keys, key(fmt.Sprint(i)))
		}
		before := contentOf(t, p.Path)
		ids[40].Name = "taken"
		p.fails("StoreAll", r.StoreAll(t.Context(), ids, keys), keyring.ErrExists, "'taken'")
		ids[40].Name = "key-40"
		p.kms.SetBefore(func(op string, n int) *kmstest.Fault {
			if op == "Encrypt" && n > 50 {
				return &kmstest.Fault{Code: "DisabledException"}
			}
			return nil
		})
		p.fails("StoreAll", r.StoreAll(t.Context(), ids, keys), keyring.ErrInactive, "AWS KMS Encrypt")
		p.is(r, map[string]string{"taken": "0"})
		if contentOf(t, p.Path) != before {
			t.Error("the file was changed")
		}
		p.kms.SetBefore(nil)
		if err := r.StoreAll(t.Context(), ids, keys); err != nil {
			t.Fatal(err)
		}
		all, err := p.keysOf(p.open())
		if err != nil || len(all) != 101 || all["key-99"] != "99" {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// The file belongs to who owns the folder: mysqld loads the component as root.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	bothFormats(t, func(t *testing.T, p *place) {
		dir := filepath.Dir(p.Path)
		if err := os.Chown(dir, 12345, 12346); err != nil {
			t.Fatal(err)
		}
		r := p.open()
		p.store(r, "a", "1")
		if err := r.Rewrap(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if uid, gid := ownerOf(t, filepath.Join(dir, e.Name())); uid != 12345 || gid != 12346 {
				t.Errorf("%s belongs to %d:%d", e.Name(), uid, gid)
			}
		}
	})
}
