package rootkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/secret"
)

// FromKMIP is the [Source] of root keys that another KMIP server keeps.
type FromKMIP struct {
	// Fetch reads the key's bytes.
	Fetch func(ctx context.Context, k KMIP) (*secret.Bytes, error)
}

func (f FromKMIP) fetch(ctx context.Context, s Settings) (*secret.Bytes, error) {
	if s.KMIP == nil || s.KMIP.Key == "" {
		return nil, errors.New("a root key of this kind needs the Unique Identifier of a key")
	}
	root, err := f.Fetch(ctx, *s.KMIP)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s, err)
	}
	if root.Len() != Size {
		defer root.Wipe()
		return nil, fmt.Errorf("%s has %d bytes, and a root key %d: make one of AES and %d bits", s, root.Len(), Size, 8*Size)
	}
	return root, nil
}

// Open implements [Source].
func (f FromKMIP) Open(ctx context.Context, s Settings) (Key, error) {
	root, err := f.fetch(ctx, s)
	if err != nil {
		return nil, err
	}
	defer root.Wipe()
	if idOf(root) != s.ID {
		return nil, fmt.Errorf("%s: %w", s, ErrWrong)
	}
	return newLocal(root)
}

// Make implements [Source]. The key has to be there: it is read.
func (f FromKMIP) Make(ctx context.Context, s Settings, _ *secret.Bytes) (Settings, Key, error) {
	root, err := f.fetch(ctx, s)
	if err != nil {
		return s, nil, err
	}
	defer root.Wipe()
	s.ID = idOf(root)
	k, err := newLocal(root)
	return s, k, err
}

// Keep implements [Source].
func (FromKMIP) Keep(Settings) error { return nil }

// Drop implements [Source]: the key stays on its server, for backups of the store.
func (FromKMIP) Drop(Settings) error { return nil }

// FromAWSKMS is the [Source] of root keys that stay in AWS KMS.
type FromAWSKMS struct {
	// Dial returns the use of a key, with the credentials of this process.
	Dial func(ctx context.Context, k AWSKMS) (Key, error)
	// Resolve returns the ARN: an alias may be another key's tomorrow.
	Resolve func(ctx context.Context, k AWSKMS) (arn string, err error)
}

// Open implements [Source].
func (f FromAWSKMS) Open(ctx context.Context, s Settings) (Key, error) {
	if s.AWSKMS == nil || s.AWSKMS.Key == "" {
		return nil, errors.New("a root key of this kind needs the ARN, the ID or an alias of a key")
	}
	return f.Dial(ctx, *s.AWSKMS)
}

// Make implements [Source].
func (f FromAWSKMS) Make(ctx context.Context, s Settings, _ *secret.Bytes) (Settings, Key, error) {
	if s.AWSKMS == nil {
		_, err := f.Open(ctx, s)
		return s, nil, err
	}
	arn, err := f.Resolve(ctx, *s.AWSKMS)
	if err != nil {
		return s, nil, err
	}
	named := *s.AWSKMS
	named.Key = arn
	s.AWSKMS, s.ID = &named, arn
	k, err := f.Open(ctx, s)
	return s, k, err
}

// Keep implements [Source].
func (FromAWSKMS) Keep(Settings) error { return nil }

// Drop implements [Source].
func (FromAWSKMS) Drop(Settings) error { return nil }
