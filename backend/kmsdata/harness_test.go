package kmsdata_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// place is a data file with its AWS KMS.
type place struct {
	testing.TB
	kms *kmstest.Server
	kmsdata.Options
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

func newPlace(t testing.TB) *place {
	t.Helper()
	return placeAt(t, kmstest.New(t))
}

func placeAt(t testing.TB, s *kmstest.Server) *place {
	t.Helper()
	p := &place{TB: t, kms: s, Options: kmsdata.Options{DataFile: filepath.Join(t.TempDir(), "keyring_aws_data"), KeyID: s.NewKey(kmstest.Region), AWS: s.Options()}}
	p.AWS.Timeout = 2 * time.Second
	return p
}

// also is another keyring over the same file and AWS KMS.
func (p *place) also() *place {
	return &place{TB: p.TB, kms: p.kms, Options: p.Options}
}

func (p *place) tryOpen() (*kmsdata.Keyring, error) {
	r, err := kmsdata.Open(context.Background(), p.Options, slog.New(slog.NewTextHandler(&p.log, nil)))
	if err == nil {
		p.Cleanup(func() { r.Close() })
	}
	return r, err
}

func (p *place) open() *kmsdata.Keyring {
	p.Helper()
	r, err := p.tryOpen()
	if err != nil {
		p.Fatal(err)
	}
	return r
}

func (p *place) text() string {
	p.Helper()
	b, err := os.ReadFile(p.DataFile)
	if err != nil {
		p.Fatal(err)
	}
	return string(b)
}

func (p *place) write(text string) {
	p.Helper()
	if err := os.WriteFile(p.DataFile, []byte(text), 0o640); err != nil {
		p.Fatal(err)
	}
}

func id(name string) keyring.ID { return keyring.ID{Name: name, Owner: "u@h"} }

// value is the content of the key of a name.
func value(name string) string { return fmt.Sprintf("the secret of %s", name) }

func store(r *kmsdata.Keyring, name string) error {
	d := secret.Copy([]byte(value(name)))
	defer d.Wipe()
	return r.Store(context.Background(), id(name), keyring.Key{Type: "SECRET", Data: d})
}

// holds asserts that the keyring has these keys and no others.
func holds(t testing.TB, r *kmsdata.Keyring, names ...string) {
	t.Helper()
	ids, err := r.List(context.Background())
	if err != nil {
		t.Errorf("List: %v", err)
		return
	}
	if len(ids) != len(names) {
		t.Errorf("%d keys: %v, want %v", len(ids), ids, names)
	}
	for _, name := range names {
		k, err := r.Fetch(context.Background(), id(name))
		if err != nil {
			t.Errorf("Fetch %s: %v", name, err)
			continue
		}
		if got := string(k.Data.Reveal()); got != value(name) {
			t.Errorf("Fetch %s: %q", name, got)
		}
		k.Wipe()
	}
}

// kind asserts an error's kind.
func kind(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
