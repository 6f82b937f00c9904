package masterkey

import (
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// mismatch is a configuration that does not fit what is stored.
func mismatch(format string, args ...any) error {
	return keyring.E("", keyring.ID{}, keyring.ErrInvalid, fmt.Errorf(format, args...))
}

// decide says which key opens a store that has one (Percona Server for MongoDB's table
// for an existing key store).
func (o *opening) decide(c *content) (Ref, error) {
	stored, wanted := *c.Master, Ref{Provider: o.Provider.Name(), ID: o.KeyIdentifier}
	switch {
	case wanted.Provider == KeyFile: // its bytes decide, whoever kept them before
		return wanted, nil
	case stored.Provider == wanted.Provider && (wanted.ID == "" || wanted.ID == stored.ID):
		return stored, nil
	case stored.Provider == wanted.Provider:
		return Ref{}, mismatch("the key identifier %q is configured, and the database was encrypted with the master key %s. "+
			"If the master key shall be rotated, add rotateMasterKey; else correct keyIdentifier, or leave it out", wanted.ID, stored)
	case stored.Provider == KeyFile && wanted.ID != "": // the same bytes, imported there
		return wanted, nil
	}
	return Ref{}, mismatch("%s is configured, and the database was encrypted with the master key %s. "+
		"Configure what it was encrypted with, or move the master key: dbkeyring migrate", label(wanted.Provider), stored)
}

// label is a provider for people.
func label(provider string) string {
	return map[string]string{KeyFile: "a key file", KMIP: "a KMIP server", AWSKMS: "AWS KMS"}[provider]
}
