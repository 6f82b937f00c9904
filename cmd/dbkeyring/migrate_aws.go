package main

import (
	"context"
	"fmt"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// openDestination opens the destination without changing it. One that keyring_aws would
// make stays closed.
func (m *migration) openDestination(ctx context.Context, empty bool) error {
	if empty && m.to.conf.AWS != nil {
		return nil
	}
	return m.to.open(ctx, !empty, m.log)
}

// present lists what the destination has.
func (m *migration) present(ctx context.Context) ([]keyring.ID, error) {
	if m.to.ring == nil {
		return nil, nil
	}
	return m.to.ring.List(ctx)
}

// checker tells which keys the destination would not take; nil if it takes all.
func (m *migration) checker() keyring.Checker {
	if m.to.ring == nil {
		return &kmsdata.Keyring{} // which asks nobody
	}
	c, _ := m.to.ring.(keyring.Checker)
	return c
}

// mayEncrypt finds out, before anybody is asked whether to copy, that AWS KMS would
// encrypt keys for the destination.
func (m *migration) mayEncrypt(ctx context.Context) error {
	o, keys, ok := m.to.conf.KMSKeys()
	if !ok {
		return nil
	}
	client, err := awskms.New(ctx, o)
	if err != nil {
		return fmt.Errorf("%s: %w", &m.to, err)
	}
	defer client.Close()
	for _, key := range keys {
		_, err := client.Check(ctx, key, awskms.OpEncrypt)
		if err == nil {
			err = client.Permitted(ctx, key, awskms.OpEncrypt)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", &m.to, err)
		}
	}
	return nil
}
