package awskms

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Provider has AWS KMS encrypt master keys.
type Provider struct {
	o      Options
	client *awskms.Client
}

var _ masterkey.Provider = (*Provider)(nil)

// New returns the provider; it asks AWS KMS nothing yet.
func New(ctx context.Context, o Options) (*Provider, error) {
	c, err := awskms.New(ctx, o.AWS)
	if err != nil {
		return nil, fault("set up AWS KMS", err)
	}
	return &Provider{o, c}, nil
}

// fault makes the error of an operation.
func fault(op string, err error) error {
	var kms *awskms.Error
	if errors.As(err, &kms) {
		return keyring.E(op, keyring.ID{}, kms.Kind(), err)
	}
	if err == nil {
		return nil
	}
	return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, err)
}

// with is what a master key's blob is bound to: one of a keyring is none.
func with() awskms.Context { return awskms.Context{"purpose": "dbkeyring master key"} }

// Name is masterkey.AWSKMS.
func (p *Provider) Name() string { return masterkey.AWSKMS }

// Read has AWS KMS decrypt the key that is in the Ref.
func (p *Provider) Read(ctx context.Context, r masterkey.Ref) (*secret.Bytes, masterkey.Ref, error) {
	const op = "read the master key"
	if len(r.Blob) == 0 {
		return nil, r, keyring.E(op, keyring.ID{}, keyring.ErrNotFound, errors.New("AWS KMS keeps no master keys, it encrypts them: one cannot be named"))
	}
	key, err := p.client.Decrypt(ctx, awskms.Blob{KeyARN: r.ID, Data: r.Blob}, with())
	if err != nil {
		return nil, r, fault(op, err)
	}
	if key.Len() != masterkey.Size {
		defer key.Wipe()
		return nil, r, keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("what AWS KMS has decrypted has %d bytes, and a master key has %d", key.Len(), masterkey.Size))
	}
	return key, masterkey.Ref{Provider: masterkey.AWSKMS, ID: r.ID, Blob: r.Blob}, nil
}

// State is that of the KMS key: a disabled one makes its master keys unusable.
func (p *Provider) State(ctx context.Context, r masterkey.Ref) (masterkey.State, error) {
	id := r.ID
	if id == "" {
		id = p.o.KeyID
	}
	_, err := p.client.Check(ctx, id, awskms.OpDecrypt)
	switch {
	case err == nil:
		return masterkey.Active, nil
	case errors.Is(err, keyring.ErrInactive):
		return masterkey.Deactivated, nil
	}
	return "", fault("look at the KMS key", err)
}

// Create makes a key and has AWS KMS encrypt it. Nothing of it is kept there, so that a
// lost answer leaves nothing behind: it may be asked for again.
func (p *Provider) Create(ctx context.Context, _ string) (*secret.Bytes, masterkey.Ref, error) {
	key := secret.Random(masterkey.Size)
	blob, err := p.client.Encrypt(ctx, p.o.KeyID, key, with())
	if err != nil {
		key.Wipe()
		return nil, masterkey.Ref{}, fault("make a master key", err)
	}
	return key, masterkey.Ref{Provider: masterkey.AWSKMS, ID: blob.KeyARN, Blob: blob.Data}, nil
}

// Find finds nothing: what was not written down is not anywhere.
func (p *Provider) Find(context.Context, string) (masterkey.Ref, error) {
	return masterkey.Ref{}, keyring.E("find the master key", keyring.ID{}, keyring.ErrNotFound, nil)
}

// Activate has nothing to do.
func (p *Provider) Activate(context.Context, masterkey.Ref) error { return nil }

// Close ends connections.
func (p *Provider) Close() error { return p.client.Close() }
