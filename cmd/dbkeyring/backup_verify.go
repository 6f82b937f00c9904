package main

import (
	"crypto/ecdh"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/secret"
)

// backupFile is a backup that can be read as often as needed.
type backupFile struct {
	name string
	f    *os.File
	key  *secret.Bytes // of the stream
	made time.Time
}

// openBackup opens a backup, and gets the key for it.
func openBackup(p *process, name string, flags backupKeyFlags) (b *backupFile, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the backup: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	head, err := backup.ReadHeader(f)
	if err != nil {
		return nil, fmt.Errorf("the backup %s: %w", name, err)
	}
	var k backup.Key
	if head.PublicKey != nil {
		if flags.Identity == "" {
			return nil, &failed{err: fmt.Errorf("the backup %s is encrypted to a public key", name), hint: "name the file of its private key with --identity", code: exitUsage}
		}
		if k.PrivateKey, err = readIdentity(flags.Identity); err != nil {
			return nil, &failed{err: fmt.Errorf("--identity %s: %w", flags.Identity, err), code: exitUsage}
		}
	} else if k.PassPhrase, err = flags.phrase().read(p, false); err != nil {
		return nil, err
	}
	defer k.PassPhrase.Wipe()
	key, err := head.Open(k)
	if errors.Is(err, backup.ErrKey) {
		return nil, &failed{err: fmt.Errorf("the backup %s: %w. Nothing was changed", name, err), hint: "give the one of " + head.Made.Format(time.RFC3339) + ", when the backup was made"}
	}
	if err != nil {
		return nil, fmt.Errorf("the backup %s: %w", name, err)
	}
	return &backupFile{name: name, f: f, key: key, made: head.Made}, nil
}

func (b *backupFile) close() {
	b.key.Wipe()
	b.f.Close()
}

// reader reads the content, from its beginning.
func (b *backupFile) reader() (*backup.Reader, error) {
	if _, err := b.f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("the backup has to be a file, since it is read twice: %w", err)
	}
	if _, err := backup.ReadHeader(b.f); err != nil {
		return nil, fmt.Errorf("the backup %s: %w", b.name, err)
	}
	r, err := backup.NewReader(b.f, b.key)
	if err != nil {
		return nil, fmt.Errorf("the backup %s: %w", b.name, err)
	}
	return r, nil
}

// inspect reads the whole backup.
func (b *backupFile) inspect() (datadir.BackupSummary, error) {
	r, err := b.reader()
	if err != nil {
		return datadir.BackupSummary{}, err
	}
	s, err := datadir.Inspect(r)
	if err != nil {
		hint := "take another backup"
		if !errors.Is(err, backup.ErrDamaged) {
			hint = ""
		}
		return s, &failed{err: fmt.Errorf("the backup %s of %s: %w", b.name, b.made.Format(time.RFC3339), err), hint: hint}
	}
	return s, nil
}

// verifyBackup checks a backup and lists what is in it.
func verifyBackup(p *process, name string, flags backupKeyFlags, asJSON bool) error {
	b, err := openBackup(p, name, flags)
	if err != nil {
		return err
	}
	defer b.close()
	s, err := b.inspect()
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.stdout, s)
	}
	_, err = fmt.Fprintf(p.stdout, "backup of %s, made by dbkeyring %s: whole\nobjects    %d, of which %d have key bytes\nendpoints  %s\nfiles      %s\n",
		s.Made.Format(time.RFC3339), s.Program, s.Objects(), s.Keys(), endpointNames(s), strings.Join(s.Files, ", "))
	return err
}

func endpointNames(s datadir.BackupSummary) string {
	var names []string
	for _, e := range s.Endpoints {
		if e.Removed {
			e.Name += " (removed)"
		}
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return fmt.Sprintf("%d: %s", len(names), strings.Join(names, ", "))
}

var errNoX25519 = errors.New("it is not the PEM file of an X25519 key. Make a pair with: openssl genpkey -algorithm X25519 -out backup.key; openssl pkey -in backup.key -pubout -out backup.pub")

// readRecipient reads an X25519 public key.
func readRecipient(file string) (*ecdh.PublicKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil && block.Type == "PUBLIC KEY" {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if key, ok := key.(*ecdh.PublicKey); ok && key.Curve() == ecdh.X25519() {
				return key, nil
			}
		}
	}
	return nil, errNoX25519
}

// readIdentity reads an X25519 private key.
func readIdentity(file string) (*ecdh.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(text)
	if block, _ := pem.Decode(text); block != nil && block.Type == "PRIVATE KEY" {
		defer secret.Wipe(block.Bytes)
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(*ecdh.PrivateKey); ok && key.Curve() == ecdh.X25519() {
				return key, nil
			}
		}
	}
	return nil, errNoX25519
}
