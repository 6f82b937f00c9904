package backup_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/secret"
)

var phrase = secret.Copy([]byte("correct horse battery"))

// content is one that is compared.
type content map[string]string

func (c content) File(name string, mode fs.FileMode, text []byte) error {
	c["file "+name] = fmt.Sprintf("%o %s", mode, text)
	return nil
}

func (c content) Entry(b store.Bucket, key string, value []byte) error {
	c[string(b)+"/"+key] = string(value)
	return nil
}

// made returns a backup and what is in it. Its values cross the borders of chunks.
func made(t *testing.T, l backup.Lock) ([]byte, content) {
	t.Helper()
	head, key, err := backup.NewHeader(l, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	file := bytes.NewBuffer(head)
	w, err := backup.NewWriter(file, key, backup.Manifest{Program: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Wipe()
	want := content{}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	both := func(b store.Bucket, key, value string) {
		check(w.Entry(b, key, []byte(value)))
		check(want.Entry(b, key, []byte(value)))
	}
	check(w.File("ca.pem", 0o640, []byte("certificate")))
	check(want.File("ca.pem", 0o640, []byte("certificate")))
	for i := range 40 {
		both("object", fmt.Sprint(i), string(bytes.Repeat([]byte{byte(i)}, 5000)))
	}
	both("endpoint", "empty", "")
	totals, err := w.End()
	if err != nil || totals.Files != 1 || totals.Entries["object"] != 40 {
		t.Fatalf("%+v, %v", totals, err)
	}
	return file.Bytes(), want
}

func read(file []byte, k backup.Key) (content, error) {
	r := bytes.NewReader(file)
	h, err := backup.ReadHeader(r)
	if err != nil {
		return nil, err
	}
	key, err := h.Open(k)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	x, err := backup.NewReader(r, key)
	if err != nil {
		return nil, err
	}
	got := content{}
	_, err = x.Each(got)
	return got, err
}

func TestBackup(t *testing.T) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		lock backup.Lock
		key  backup.Key
	}{
		"pass phrase": {backup.Lock{PassPhrase: phrase}, backup.Key{PassPhrase: phrase}},
		"public key":  {backup.Lock{PublicKey: private.PublicKey()}, backup.Key{PrivateKey: private}},
	} {
		t.Run(name, func(t *testing.T) {
			file, want := made(t, c.lock)
			got, err := read(file, c.key)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if bytes.Contains(file, []byte("certificate")) {
				t.Error("the file has its content in clear")
			}
		})
	}
}

func TestBackup_WrongKey(t *testing.T) {
	private, _ := ecdh.X25519().GenerateKey(rand.Reader)
	other, _ := ecdh.X25519().GenerateKey(rand.Reader)
	underPhrase, _ := made(t, backup.Lock{PassPhrase: phrase})
	toKey, _ := made(t, backup.Lock{PublicKey: private.PublicKey()})
	for name, c := range map[string]struct {
		file []byte
		key  backup.Key
		want error
	}{
		"another phrase": {underPhrase, backup.Key{PassPhrase: secret.Copy([]byte("correct horse batterY"))}, backup.ErrKey},
		"a short phrase": {underPhrase, backup.Key{PassPhrase: secret.Copy([]byte("x"))}, backup.ErrKey},
		"another key":    {toKey, backup.Key{PrivateKey: other}, backup.ErrKey},
		"no phrase":      {underPhrase, backup.Key{PrivateKey: private}, nil},
		"no key":         {toKey, backup.Key{PassPhrase: phrase}, nil},
	} {
		if _, err := read(c.file, c.key); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := backup.NewHeader(backup.Lock{PassPhrase: secret.Copy([]byte("short"))}, time.Now()); err == nil {
		t.Error("a short pass phrase was taken")
	}
}

// TestBackup_Damage: a file of which any byte was changed, that was cut off or that
// goes on is refused. Most places are tried with a public key, which is fast.
func TestBackup_Damage(t *testing.T) {
	private, _ := ecdh.X25519().GenerateKey(rand.Reader)
	file, _ := made(t, backup.Lock{PublicKey: private.PublicKey()})
	key := backup.Key{PrivateKey: private}
	const full = 64<<10 + 16
	var size int // of the header
	for r := bytes.NewReader(file); size == 0; size = len(file) - r.Len() {
		if _, err := backup.ReadHeader(r); err != nil {
			t.Fatal(err)
		}
	}
	places := []int{}
	for i := 0; i < len(file); i++ {
		if i < size+40 || i%997 == 0 || i > len(file)-40 {
			places = append(places, i)
		}
	}
	refused := func(what string, i int, bad []byte) {
		t.Helper()
		_, err := read(bad, key)
		if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNoBackup) && !errors.Is(err, backup.ErrVersion) {
			t.Errorf("%s at %d of %d: %v", what, i, len(file), err)
		}
		if i >= size && !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s at %d is not told as damage: %v", what, i, err)
		}
	}
	for _, i := range places {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		refused("a bit flipped", i, bad)
		refused("cut off", i, file[:i])
	}
	chunk := func(n int) []byte { return file[size+n*full : size+(n+1)*full] }
	for name, bad := range map[string][]byte{
		"cut between chunks": file[:size+full],
		"a chunk missing":    append(bytes.Clone(file[:size+full]), file[size+2*full:]...),
		"chunks exchanged":   append(append(append(bytes.Clone(file[:size]), chunk(1)...), chunk(0)...), file[size+2*full:]...),
		"a byte more":        append(bytes.Clone(file), 0),
		"twice":              append(bytes.Clone(file), file[size:]...),
	} {
		if _, err := read(bad, key); !errors.Is(err, backup.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := read([]byte("-----BEGIN CERTIFICATE-----\n..."), key); !errors.Is(err, backup.ErrNoBackup) {
		t.Errorf("another file: %v", err)
	}
	newer := bytes.Clone(file)
	newer[17] = 2
	if _, err := read(newer, key); !errors.Is(err, backup.ErrVersion) {
		t.Errorf("a newer version: %v", err)
	}
}

// TestWriter_Fails: an error of the disk comes out, and no end is written.
func TestWriter_Fails(t *testing.T) {
	_, key, err := backup.NewHeader(backup.Lock{PassPhrase: phrase}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, pipe := io.Pipe()
	_ = r.Close()
	w, err := backup.NewWriter(pipe, key, backup.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Entry("b", "k", make([]byte, 70<<10))
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
	if err := w.Entry("b", "k", make([]byte, 65<<20+1)); err == nil {
		t.Error("an endless value was taken")
	}
}
