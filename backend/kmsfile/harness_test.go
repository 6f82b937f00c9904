package kmsfile_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// place is a data file with its AWS KMS.
type place struct {
	testing.TB
	kms *kmstest.Server
	kmsfile.Options
	log logs
}

// logs is what was logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newPlace(t testing.TB, f kmsfile.Format) *place {
	t.Helper()
	s := kmstest.New(t)
	p := &place{TB: t, kms: s, Options: kmsfile.Options{
		Path: filepath.Join(t.TempDir(), "keys"), Format: f, Keys: []string{s.NewKey(kmstest.Region)}, AWS: s.Options(),
	}}
	p.AWS.Timeout = 2 * time.Second
	return p
}

func (p *place) tryOpen() (*kmsfile.Keyring, error) {
	r, err := kmsfile.Open(p.Context(), p.Options, slog.New(slog.NewTextHandler(&p.log, nil)))
	if err == nil {
		p.Cleanup(func() { r.Close() })
	}
	return r, err
}

func (p *place) open() *kmsfile.Keyring {
	p.Helper()
	r, err := p.tryOpen()
	if err != nil {
		p.Fatal(err)
	}
	return r
}

func (p *place) readOnly() *place {
	q := &place{TB: p.TB, kms: p.kms, Options: p.Options}
	q.ReadOnly = true
	return q
}

// encrypted is a key as AWS KMS encrypts it, under the first KMS key.
func (p *place) encrypted(content string, with awskms.Context) []byte {
	p.Helper()
	c, err := awskms.New(p.Context(), p.kms.Options())
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	s := secret.Copy([]byte(content))
	defer s.Wipe()
	b, err := c.Encrypt(p.Context(), p.Keys[0], s, with)
	if err != nil {
		p.Fatal(err)
	}
	return b.Data
}

// element is one as Percona's component writes it, for plain names only.
func (p *place) element(id keyring.ID, typ, content string) string {
	p.Helper()
	return fmt.Sprintf(`{"user":"%s","data_id":"%s","data_type":"%s","data":"%X","extension":[]}`,
		id.Owner, id.Name, typ, base64.StdEncoding.EncodeToString(p.encrypted(content, nil)))
}

func perconaText(elements ...string) string {
	return `{"version":"1.0","elements":[` + strings.Join(elements, ",") + `]}`
}

func (p *place) write(name, text string) {
	p.Helper()
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		p.Fatal(err)
	}
}

// writeLater writes a file that is newer than all others.
func (p *place) writeLater(name, text string) {
	p.Helper()
	p.write(name, text)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(name, later, later); err != nil {
		p.Fatal(err)
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

// files is everything in a folder.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range all {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = fmt.Sprint(info.ModTime(), info.Mode(), contentOf(t, filepath.Join(dir, e.Name())))
	}
	return m
}

func key(content string) keyring.Key {
	return keyring.Key{Type: "AES", Data: secret.Copy([]byte(content))}
}

func (p *place) store(r *kmsfile.Keyring, name, content string) {
	p.Helper()
	k := key(content)
	defer k.Wipe()
	if err := r.Store(p.Context(), keyring.ID{Name: name}, k); err != nil {
		p.Fatal(err)
	}
}

// is asserts that a keyring has these keys, and no others.
func (p *place) is(r *kmsfile.Keyring, want map[string]string) {
	p.Helper()
	got, err := p.keysOf(r)
	if err != nil {
		p.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.Errorf("keys: %v, want %v", got, want)
	}
}

func (p *place) keysOf(r *kmsfile.Keyring) (map[string]string, error) {
	ids, err := r.List(p.Context())
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, id := range ids {
		k, err := r.Fetch(p.Context(), id)
		if err != nil {
			return nil, err
		}
		m[id.Name] = string(k.Data.Reveal())
		k.Wipe()
	}
	return m, nil
}

func (p *place) fails(what string, err, kind error, texts ...string) {
	p.Helper()
	if !errors.Is(err, kind) {
		p.Errorf("%s: %v, want %q", what, err, kind)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			p.Errorf("%s: %v does not say %q", what, err, text)
		}
	}
}

var formats = []kmsfile.Format{kmsfile.FormatPercona, kmsfile.FormatDBKeyring}

func bothFormats(t *testing.T, test func(t *testing.T, p *place)) {
	for _, f := range formats {
		t.Run(string(f), func(t *testing.T) { test(t, newPlace(t, f)) })
	}
}

func ownerOf(t testing.TB, path string) (uid, gid uint32) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return s.Uid, s.Gid
}
