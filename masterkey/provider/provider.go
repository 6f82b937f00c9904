// Package provider opens the keeper of master keys that a configuration names.
package provider

import (
	"context"
	"errors"
	"log/slog"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/keyfile"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
)

// Options are those of the one that is configured; the others are nil.
type Options struct {
	KeyFile *keyfile.Options
	KMIP    *kmip.Options
	AWSKMS  *awskms.Options
}

// Open returns it. Nobody is asked for anything yet. A nil log logs nothing.
func Open(ctx context.Context, o Options, log *slog.Logger) (masterkey.Provider, error) {
	switch {
	case o.KeyFile != nil:
		return keyfile.New(*o.KeyFile), nil
	case o.KMIP != nil:
		p, err := kmip.New(*o.KMIP, log)
		if err != nil {
			return nil, err // and no typed nil
		}
		return p, nil
	case o.AWSKMS != nil:
		p, err := awskms.New(ctx, *o.AWSKMS)
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	return nil, keyring.E("open the master key's keeper", keyring.ID{}, keyring.ErrInvalid, errors.New("none is configured"))
}
