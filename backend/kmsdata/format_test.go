package kmsdata_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// A reader that knows nothing of this package finds the keys in the file: lines of
// JSON, the blobs in base64, under the context that the documentation tells.
func TestFormat_IndependentReader(t *testing.T) {
	p := newPlace(t)
	r := p.open()
	want := map[string]string{}
	for _, k := range []struct{ name, owner, typ, content string }{
		{"MyKey", "root@localhost", "SECRET", "a secret"}, {"INNODBKey-1", "", "AES", "0123456789abcdef"}, {"bytes\xff\n", "o\"", "secret", "x"}, {"<&>é", "", "SECRET", "y"},
	} {
		d := secret.Copy([]byte(k.content))
		if err := r.Store(context.Background(), keyring.ID{Name: k.name, Owner: k.owner}, keyring.Key{Type: k.typ, Data: d}); err != nil {
			t.Fatal(err)
		}
		want[k.name+"|"+k.owner+"|"+k.typ] = k.content
	}
	lines := bufio.NewScanner(strings.NewReader(p.text()))
	var head map[string]any
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil {
		t.Fatalf("the header: %q", lines.Text())
	}
	sum := head["sha256"].(string)
	zeroed := strings.Replace(p.text(), sum, strings.Repeat("0", 64), 1)
	if fmt.Sprintf("%x", sha256.Sum256([]byte(zeroed))) != sum {
		t.Error("the SHA-256 is not that of the file with zeros in its place")
	}
	if head["format"] != "dbkeyring keyring_aws" || head["version"] != 1.0 || head["generation"] != 5.0 || head["keys"] != 4.0 || len(head["keyring"].(string)) != 32 {
		t.Errorf("the header: %v", head)
	}
	client, err := awskms.New(context.Background(), p.AWS)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	plain := func(s string) string {
		if b64, ok := strings.CutPrefix(s, "base64:"); ok {
			b, err := base64.StdEncoding.DecodeString(b64)
			if err != nil {
				t.Error(err)
			}
			return string(b)
		}
		return s
	}
	for lines.Scan() {
		var k struct{ ID, Owner, Type, Key, Data string }
		if err := json.Unmarshal(lines.Bytes(), &k); err != nil {
			t.Fatal(err)
		}
		blob, err := base64.StdEncoding.DecodeString(k.Data)
		if err != nil {
			t.Fatal(err)
		}
		if k.Key != p.KeyID {
			t.Errorf("%s is under %q", k.ID, k.Key)
		}
		with := awskms.Context{"data_id": k.ID, "data_type": k.Type}
		if k.Owner != "" {
			with["user"] = k.Owner
		}
		got, err := client.Decrypt(context.Background(), awskms.Blob{KeyARN: k.Key, Data: blob}, with)
		if err != nil {
			t.Errorf("%s: %v", k.ID, err)
			continue
		}
		name := plain(k.ID) + "|" + plain(k.Owner) + "|" + plain(k.Type)
		if want[name] != string(got.Reveal()) || want[name] == "" {
			t.Errorf("%q holds %q", name, got.Reveal())
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not in the file: %v", want)
	}
}

// Whatever byte is damaged, and wherever the file is cut, it is refused with its name,
// by a running keyring as by a new one, and is never overwritten.
func TestFormat_Damage(t *testing.T) {
	p := newPlace(t)
	running := p.open()
	for _, name := range []string{"a", "b"} {
		if err := store(running, name); err != nil {
			t.Fatal(err)
		}
	}
	good := p.text()
	var damaged []string
	for i := range len(good) {
		for _, bit := range []byte{0x01, 0x80} {
			b := []byte(good)
			b[i] ^= bit
			damaged = append(damaged, string(b))
		}
		damaged = append(damaged, good[:i])
	}
	damaged = append(damaged, good+"\n", good+good, "\n"+good, strings.ReplaceAll(good, ",", ", "), "{}", `{"version":"1.0","elements":[]}`)
	for i, text := range damaged {
		p.write(text)
		if _, err := p.also().tryOpen(); err == nil {
			t.Fatalf("damage %d was not noticed: %q", i, text)
		} else {
			kind(t, "Open", err, keyring.ErrCorrupt)
			if !strings.Contains(err.Error(), p.DataFile) {
				t.Fatalf("damage %d: %v does not name the file", i, err)
			}
		}
		if i%17 == 0 { // each costs requests
			kind(t, "Store", store(running, "c"), keyring.ErrCorrupt)
			kind(t, "Rewrap", running.Rewrap(context.Background(), nil), keyring.ErrCorrupt)
			kind(t, "Remove", running.Remove(context.Background(), id("a")), keyring.ErrCorrupt)
			holds(t, running, "a", "b")
		}
		if p.text() != text {
			t.Fatalf("damage %d: the file was overwritten", i)
		}
	}
	p.write(good)
	if err := store(running, "c"); err != nil {
		t.Error("after the right file was put back:", err)
	}
	holds(t, p.open(), "a", "b", "c")
}

// MySQL Enterprise's own file is told from a damaged one of ours.
func TestFormat_Enterprise(t *testing.T) {
	p := newPlace(t)
	p.write("Keyring file version:2.0\x00\x01\x02EOF")
	_, err := p.tryOpen()
	kind(t, "Open", err, keyring.ErrCorrupt)
	if err == nil || !strings.Contains(err.Error(), "migration server") {
		t.Errorf("%v", err)
	}
}

// A file of a newer format says so.
func TestFormat_Newer(t *testing.T) {
	p := newPlace(t)
	p.open()
	p.write(strings.Replace(p.text(), `"version":1`, `"version":2`, 1))
	if _, err := p.also().tryOpen(); err == nil || !strings.Contains(err.Error(), "newer dbkeyring") {
		t.Error(err)
	}
}

func FuzzFormat(f *testing.F) {
	dir := f.TempDir()
	for _, s := range []string{"", "{}", `{"format":"dbkeyring keyring_aws","version":1,"keyring":"","generation":1,"keys":0,"sha256":""}` + "\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := dir + "/data"
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		static := func(context.Context) (awskms.Credentials, error) { return awskms.Credentials{}, nil }
		r, err := kmsdata.Open(context.Background(), kmsdata.Options{DataFile: path, ReadOnly: true, AWS: awskms.Options{Region: "us-east-1", Credentials: static}}, nil)
		if err == nil {
			r.Close() // then the checksum is right: the fuzzer has copied a whole file
		}
	})
}
