package keyringfile

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// DamagedError is a file, or its backup, that cannot be what was written.
type DamagedError struct {
	Path string
	Err  error
}

// Error gives "path, cause".
func (e *DamagedError) Error() string { return fmt.Sprintf("%s, %v", e.Path, e.Err) }

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// Fault makes the error of an operation on a keyring out of whatever went wrong with
// its file.
func Fault(op string, id keyring.ID, err error) error {
	var damaged *DamagedError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrExists), errors.Is(err, keyring.ErrNotFound), errors.Is(err, keyring.ErrReadOnly):
		return keyring.E(op, id, err, nil)
	case errors.As(err, &damaged):
		return keyring.E(op, id, keyring.ErrCorrupt, fmt.Errorf("the keyring file is damaged: %w. Restore it from a copy", err))
	case errors.Is(err, syscall.EROFS):
		return keyring.E(op, id, keyring.ErrReadOnly, err)
	case errors.Is(err, fs.ErrPermission):
		return keyring.E(op, id, keyring.ErrDenied, fmt.Errorf("%w. Run this as the user that the file belongs to", err))
	}
	return keyring.E(op, id, keyring.ErrUnreachable, err)
}
