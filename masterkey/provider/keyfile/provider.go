package keyfile

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
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

// makeIt is how such a file is made.
const makeIt = "Make it with: openssl rand -base64 32 > FILE; chmod 600 FILE"

func (p *Provider) fault(kind error, problem, cure string) error {
	return keyring.E("read the key file", keyring.ID{}, kind, fmt.Errorf("%s: %s. %s", p.o.Path, problem, cure))
}

// Read reads the key, whatever the Ref says: there is one.
func (p *Provider) Read(ctx context.Context, _ masterkey.Ref) (*secret.Bytes, masterkey.Ref, error) {
	key, err := p.read(ctx)
	return key, masterkey.Ref{Provider: masterkey.KeyFile}, err
}

func (p *Provider) read(ctx context.Context) (*secret.Bytes, error) {
	if err := ctx.Err(); err != nil {
		return nil, keyring.E("read the key file", keyring.ID{}, keyring.ErrUnreachable, err)
	}
	info, err := os.Stat(p.o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, p.fault(keyring.ErrNotFound, "there is no such file", makeIt)
	case err != nil:
		return nil, p.fault(keyring.ErrDenied, err.Error(), "See to the rights of the file and its folders.")
	case !info.Mode().IsRegular():
		return nil, p.fault(keyring.ErrInvalid, "it is not a regular file", makeIt)
	}
	if problem := p.permissions(info); problem != "" {
		return nil, p.fault(keyring.ErrDenied, problem, "chmod 600 "+p.o.Path)
	}
	text, err := os.ReadFile(p.o.Path)
	defer secret.Wipe(text)
	if err != nil {
		return nil, p.fault(keyring.ErrDenied, err.Error(), "See to the rights of the file and its folders.")
	}
	return p.decode(text)
}

// decode takes the base64 text of 32 bytes.
func (p *Provider) decode(text []byte) (*secret.Bytes, error) {
	trimmed := bytes.TrimSpace(text)
	key := secret.New(base64.StdEncoding.DecodedLen(len(trimmed)))
	defer key.Wipe()
	n, err := base64.StdEncoding.Decode(key.Reveal(), trimmed)
	if err != nil || n != masterkey.Size {
		return nil, p.fault(keyring.ErrCorrupt, fmt.Sprintf("it is not the base64 text of a key of %d bytes", masterkey.Size), makeIt)
	}
	return secret.Copy(key.Reveal()[:n]), nil
}

// permissions says who could read the key besides the database.
func (p *Provider) permissions(info fs.FileInfo) string {
	mode := info.Mode().Perm()
	if mode&0o177 == 0 {
		return ""
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if p.o.RelaxedPermissions && ok && owner.Uid == 0 && mode&0o137 == 0 {
		return ""
	}
	return fmt.Sprintf("its permissions (%04o) are too open: others than its owner can use it", mode)
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
	return nil, masterkey.Ref{}, p.fault(keyring.ErrInvalid, "a key file is made by hand", makeIt)
}

// Find finds nothing, since Create makes nothing.
func (p *Provider) Find(context.Context, string) (masterkey.Ref, error) {
	return masterkey.Ref{}, keyring.E("find the key", keyring.ID{}, keyring.ErrNotFound, nil)
}

// Activate has nothing to do.
func (p *Provider) Activate(context.Context, masterkey.Ref) error { return nil }

// Close has nothing to do.
func (p *Provider) Close() error { return nil }
