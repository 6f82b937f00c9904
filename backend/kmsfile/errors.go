package kmsfile

import (
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

var errClosed = errors.New("the keyring is closed")

// kindError is a fault of ours with its kind.
type kindError struct {
	kind error
	text string
}

func (e *kindError) Error() string { return e.text }

func invalid(format string, args ...any) error {
	return &kindError{keyring.ErrInvalid, fmt.Sprintf(format, args...)}
}

// fault makes the error of an operation out of whatever went wrong.
func fault(op string, id keyring.ID, err error) error {
	var (
		kms *awskms.Error
		own *kindError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return keyring.E(op, id, own.kind, err)
	case errors.As(err, &kms):
		return keyring.E(op, id, kms.Kind(), err)
	}
	return keyringfile.Fault(op, id, err)
}
