package kmsdata

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

var (
	errClosed = errors.New("the keyring is closed")
	// errNoKeyID has the words of MySQL's plugin.
	errNoKeyID = errors.New("keyring_aws_cmk_id has to be set: no KMS key is named that could encrypt keys. SET GLOBAL keyring_aws_cmk_id = 'arn:aws:kms:...', and write it into my.cnf")
)

// fileError is a data file that is not the one that this keyring has written.
type fileError struct {
	path string
	err  error
	cure string
}

func (e *fileError) Error() string {
	return fmt.Sprintf("incorrect keyring file %s: %v. %s", e.path, e.err, e.cure)
}
func (e *fileError) Unwrap() error { return e.err }

// fault makes the error of an operation out of whatever went wrong.
func fault(op string, id keyring.ID, err error) error {
	var (
		kms  *awskms.Error
		file *fileError
		of   *idError
	)
	if errors.As(err, &of) {
		id, err = of.id, of.err
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &file):
		return keyring.E(op, id, keyring.ErrCorrupt, err)
	case errors.Is(err, errNoKeyID):
		return keyring.E(op, id, keyring.ErrInvalid, err)
	case errors.As(err, &kms):
		return keyring.E(op, id, kms.Kind(), err)
	}
	return keyringfile.Fault(op, id, err)
}

// check refuses keys that MySQL's plugin does not take (MySQL manual, "Supported Keyring
// Key Types and Lengths").
func check(id keyring.ID, typ string, size, most int) error {
	var errs []error
	if id.Name == "" {
		errs = append(errs, errors.New("the key has no name"))
	}
	if strings.Contains(id.Name+id.Owner+typ, "\x00") {
		errs = append(errs, errors.New("the key's name, owner or type contains a NUL"))
	}
	switch {
	case keyring.SameType(typ, keyring.TypeAES):
		if size != 16 && size != 24 && size != 32 {
			errs = append(errs, fmt.Errorf("invalid key length: %d bytes; an AES key has 16, 24 or 32", size))
		}
	case keyring.SameType(typ, keyring.TypeSecret):
		if size < 1 || size > most {
			errs = append(errs, fmt.Errorf("invalid key length: %d bytes; it may have 1 to %d", size, most))
		}
	default:
		errs = append(errs, fmt.Errorf("invalid key type: %s; it should be AES or SECRET", typ))
	}
	return errors.Join(errs...)
}
