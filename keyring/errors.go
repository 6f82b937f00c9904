package keyring

import "errors"

// The kinds of error. Test for one with errors.Is; every error that a Keyring
// returns is of exactly one kind. Each border to the outside (a host's return
// code, a message to a user) translates the kinds in one table.
var (
	// ErrNotFound: the keeper of the keys said that there is no such key.
	ErrNotFound = errors.New("there is no such key")
	// ErrExists: a key of this ID is there already and was left as it is.
	ErrExists = errors.New("a key of this name exists already")
	// ErrReadOnly: the keyring or its keeper takes no changes.
	ErrReadOnly = errors.New("the keyring is read only")
	// ErrUnreachable: no authoritative answer was had in time. It says nothing
	// about whether the key exists, nor whether a change was made.
	ErrUnreachable = errors.New("the key server cannot be reached")
	// ErrInactive: the key exists, and its state forbids using it.
	ErrInactive = errors.New("the key is not active")
	// ErrCorrupt: something was read that cannot be what was written.
	ErrCorrupt = errors.New("the stored key is damaged")
	// ErrDenied: the keeper refuses this client.
	ErrDenied = errors.New("the key server refuses access")
	// ErrInvalid: the caller asked for what cannot be.
	ErrInvalid = errors.New("invalid argument")
)

// kinds is in the order in which KindOf looks.
var kinds = []error{
	ErrNotFound, ErrExists, ErrReadOnly, ErrInactive, ErrCorrupt, ErrDenied, ErrInvalid, ErrUnreachable,
}

// Error says what was attempted on which key and why it failed.
type Error struct {
	Op   string // "fetch", "store", "generate", "remove", "list", "open", "reload"
	ID   ID     // the zero ID where the error is about no single key
	Kind error  // one of the kinds above
	Err  error  // the cause; nil when the kind says it all
}

// Error gives "op id: cause" or "op id: kind".
func (e *Error) Error() string {
	s := e.Op
	if e.ID != (ID{}) {
		s += " key " + e.ID.String()
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s + ": " + e.Kind.Error()
}

// Unwrap gives both the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// E wraps a cause with what was attempted. A nil err
// stands for the bare kind.
func E(op string, id ID, kind, err error) error {
	return &Error{Op: op, ID: id, Kind: kind, Err: err}
}

// KindOf returns the kind of an error. What has no kind is ErrUnreachable:
// of an error that nobody classified one must conclude nothing about the key.
func KindOf(err error) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k
		}
	}
	return ErrUnreachable
}
