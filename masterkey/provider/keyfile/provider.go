package keyfile

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Provider reads the file anew for each question.
type Provider struct{ o Options }

var _ masterkey.Provider = (*Provider)(nil)

// New returns the provider; it reads nothing yet.
func New(o Options) *Provider { return &Provider{o} }

// Name is masterkey.KeyFile.
func (p *Provider) Name() string { return masterkey.KeyFile }

// The cures. A file that is there is not to be written over: what is left of the key may
// be all that opens a database.
const (
	makeIt    = "For a new database, make it with: openssl rand -base64 32 > %[1]s; chmod 600 %[1]s"
	restoreIt = "Bring it back from a backup"
)

func (p *Provider) fault(kind error, problem, cure string) error {
	return keyring.E("read the key file", keyring.ID{}, kind, fmt.Errorf("%s: %s. %s", p.o.Path, problem, cure))
}

func (p *Provider) makeIt() string { return fmt.Sprintf(makeIt, p.o.Path) }

// Read reads the key, whatever the Ref says: there is one.
func (p *Provider) Read(ctx context.Context, _ masterkey.Ref) (*secret.Bytes, masterkey.Ref, error) {
	key, err := p.read(ctx)
	return key, masterkey.Ref{Provider: masterkey.KeyFile}, err
}

func (p *Provider) read(ctx context.Context) (*secret.Bytes, error) {
	if err := ctx.Err(); err != nil {
		return nil, keyring.E("read the key file", keyring.ID{}, keyring.ErrUnreachable, err)
	}
	// Who opens a pipe waits for its other end, but not so.
	f, err := os.OpenFile(p.o.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, p.unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, p.unreadable(err)
	case !info.Mode().IsRegular():
		return nil, p.fault(keyring.ErrInvalid, "it is not a regular file", "Name the file with the key")
	}
	if problem := p.permissions(info); problem != "" {
		return nil, p.fault(keyring.ErrDenied, problem, "chmod 600 "+p.o.Path)
	}
	text := make([]byte, maxText+1)
	defer secret.Wipe(text)
	n, err := io.ReadFull(f, text)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, p.unreadable(err)
	}
	return p.decode(text[:n])
}

// maxText is more than the text of a key has, blanks included.
const maxText = 1024

// unreadable is an error of the operating system.
func (p *Provider) unreadable(err error) error {
	cause := err
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		cause = e.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return p.fault(keyring.ErrNotFound, "there is no such file", restoreIt+". "+p.makeIt())
	case errors.Is(err, fs.ErrPermission):
		return p.fault(keyring.ErrDenied, cause.Error(), "Make the database's user the owner of the file, and let it enter the folders above")
	}
	return p.fault(keyring.ErrUnreachable, cause.Error(), "See to the file system")
}

// decode takes the base64 text of 32 bytes.
func (p *Provider) decode(text []byte) (*secret.Bytes, error) {
	trimmed := bytes.TrimSpace(text)
	key := secret.New(base64.StdEncoding.DecodedLen(len(trimmed)))
	defer key.Wipe()
	n, err := base64.StdEncoding.Decode(key.Reveal(), trimmed)
	if len(text) > maxText || err != nil || n != masterkey.Size {
		return nil, p.fault(keyring.ErrCorrupt, fmt.Sprintf("it is not the base64 text of a key of %d bytes", masterkey.Size), restoreIt+", or name the right file")
	}
	return secret.Copy(key.Reveal()[:n]), nil
}

// permissions says what is wrong with them. 0600 and 0400 are right, whoever owns the
// file, since a database that can read it then is the owner, or root.
func (p *Provider) permissions(info fs.FileInfo) string {
	mode := info.Mode().Perm()
	if mode&0o177 == 0 {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	rooted := ok && owner.Uid == 0
	switch {
	case !p.o.RelaxedPermissions:
		return fmt.Sprintf("its permissions (%04o) are too open, only 0600 and 0400 are taken", mode)
	case mode&0o137 != 0:
		return fmt.Sprintf("its permissions (%04o) are too open, only 0600 and 0400 are taken, and 0640 and 0440 where root owns the file", mode)
	case !rooted:
		return fmt.Sprintf("its permissions (%04o) are too open: root does not own the file, so that only 0600 and 0400 are taken", mode)
	}
	return ""
}

// State is Active: a file has no states.
func (p *Provider) State(ctx context.Context, _ masterkey.Ref) (masterkey.State, error) {
	key, err := p.read(ctx)
	if err != nil {
		return "", err
	}
	key.Wipe()
	return masterkey.Active, nil
}

// Create is for people.
func (p *Provider) Create(context.Context, string) (*secret.Bytes, masterkey.Ref, error) {
	return nil, masterkey.Ref{}, p.fault(keyring.ErrInvalid, "dbkeyring makes no key files", p.makeIt())
}

// Find finds nothing, since Create makes nothing.
func (p *Provider) Find(context.Context, string) (masterkey.Ref, error) {
	return masterkey.Ref{}, keyring.E("find the key", keyring.ID{}, keyring.ErrNotFound, nil)
}

// Activate has nothing to do.
func (p *Provider) Activate(context.Context, masterkey.Ref) error { return nil }

// Close has nothing to do.
func (p *Provider) Close() error { return nil }
