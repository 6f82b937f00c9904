package bridge

import (
	"errors"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Code is what a call answers to the host; dbkeyring.h has the same list.
type Code int

const (
	OK          Code = 0
	NotFound    Code = 1  // the key server said that there is no such key
	Exists      Code = 2  // such a key is there and was left as it is
	ReadOnly    Code = 3  // nothing can be changed
	Unreachable Code = 4  // nobody answered: this says nothing about the key
	Inactive    Code = 5  // the key's state forbids its use
	Corrupt     Code = 6  // what was read cannot be a key
	Denied      Code = 7  // the key server refuses this client
	Invalid     Code = 8  // an argument that cannot be
	NotLoaded   Code = 9  // no load has succeeded yet
	Broken      Code = 10 // a fault in this library; a reload may cure it
	TooSmall    Code = 11 // the caller's buffer; the sizes say what is needed
	Unsupported Code = 12 // this kind of keyring cannot do that
)

// codes is the only place where a kind of error becomes a return code.
var codes = map[error]Code{
	keyring.ErrNotFound:    NotFound,
	keyring.ErrExists:      Exists,
	keyring.ErrReadOnly:    ReadOnly,
	keyring.ErrUnreachable: Unreachable,
	keyring.ErrInactive:    Inactive,
	keyring.ErrCorrupt:     Corrupt,
	keyring.ErrDenied:      Denied,
	keyring.ErrInvalid:     Invalid,
}

// CodeOf is the code of an error, for the other packages behind the exports.
func CodeOf(err error) Code { return codeOf(err) }

func codeOf(err error) Code {
	switch {
	case err == nil:
		return OK
	case isPanic(err):
		return Broken
	case errors.Is(err, errTooSmall):
		return TooSmall
	case errors.Is(err, errUnsupported):
		return Unsupported
	}
	return codes[keyring.KindOf(err)]
}
