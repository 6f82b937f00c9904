// Package keyring is the vocabulary that everything else speaks: what a key is,
// what a keyring does, and the few kinds of error there are.
//
// A back end (package backend/...) is a [Keyring]. What only some can do is a
// small interface of its own, found by type assertion: [NativeIDer],
// [Checker], [StateReporter], [Reloader], [StatusReporter].
//
// The two answers that must never be confused are [ErrNotFound] (the keys'
// keeper said that there is no such key) and [ErrUnreachable] (nobody said
// anything): on the first a database makes a new key, on the second it must not.
package keyring

import (
	"context"
	"strings"

	"github.com/dbkeyring/dbkeyring/secret"
)

// ID names a key: a byte string (any bytes but NUL, compared exactly, case
// included) within an owner. The empty owner is the database itself: its
// internal keys, such as InnoDB's master key.
type ID struct {
	Name  string
	Owner string
}

// String is for people: Name, or "Name" of "Owner".
func (id ID) String() string {
	if id.Owner == "" {
		return "'" + id.Name + "'"
	}
	return "'" + id.Name + "' of '" + id.Owner + "'"
}

// The key types that MySQL's functions accept (MySQL manual, "Supported Keyring
// Key Types and Lengths"). A back end says in its documentation which it takes.
const (
	TypeAES    = "AES"
	TypeSecret = "SECRET"
	TypeRSA    = "RSA"
	TypeDSA    = "DSA"
)

// MaxKeySize is the longest key in bytes that any database here stores.
const MaxKeySize = 16384

// SameType says whether two key types are the same: case does not count.
func SameType(a, b string) bool { return strings.EqualFold(a, b) }

// Key is a key's type, as the user wrote it where the back end can keep that,
// and its bytes. Who receives a Key owns its Data and wipes it.
type Key struct {
	Type string
	Data *secret.Bytes
}

// Wipe wipes the key's bytes.
func (k Key) Wipe() { k.Data.Wipe() }

// Keyring keeps keys. All methods may be called from many goroutines at once,
// and each honours its context's deadline.
type Keyring interface {
	// Fetch returns the key. ErrNotFound means that the authoritative keeper of
	// the keys said that there is none; an outage is ErrUnreachable.
	Fetch(ctx context.Context, id ID) (Key, error)

	// Store keeps a key that the caller made; k stays the caller's. The key is
	// durable when Store returns nil. ErrExists: nothing was overwritten.
	// ErrInvalid: an empty name, an empty or over-long key, a type or id that
	// this back end cannot hold.
	Store(ctx context.Context, id ID, k Key) error

	// Generate makes a random key of size bytes and keeps it, with the errors
	// and the durability of Store.
	Generate(ctx context.Context, id ID, typ string, size int) error

	// Remove deletes the key for good; its ID is free again afterwards.
	// ErrNotFound: there was none.
	Remove(ctx context.Context, id ID) error

	// List returns the IDs of all keys at one moment; what happens to the
	// keyring later does not change the slice.
	List(ctx context.Context) ([]ID, error)

	// Close wipes what is cached and closes connections. Calls after it fail.
	Close() error
}

// NativeIDer is a Keyring that knows how the key's keeper names the key, such
// as the Unique Identifier of a KMIP object.
type NativeIDer interface {
	NativeID(ctx context.Context, id ID) (string, error)
}

// Checker is a Keyring that can say beforehand, and without asking anyone, that
// Store would refuse such a key: with the ErrInvalid that Store would give.
type Checker interface {
	Check(id ID, typ string, size int) error
}

// StateReporter is a Keyring whose keeper gives keys a state (KMIP 1.4, 3.22),
// in the words of the specification: "Active", "Deactivated", ...
type StateReporter interface {
	KeyState(ctx context.Context, id ID) (string, error)
}

// Reloader is a Keyring that can read everything again from its keeper. On an
// error the old content stays in use.
type Reloader interface {
	Reload(ctx context.Context) error
}

// StatusRow is one line of a database's status table.
type StatusRow struct{ Name, Value string }

// StatusReporter is a Keyring with lines to show beside its configuration, such
// as the server in use. No line carries a secret.
type StatusReporter interface {
	Status() []StatusRow
}

// MasterKeyRotator is a Keyring whose keeper encrypts the keys under a master key and
// can give that one new material. The keys stay encrypted as they are. The report
// is a sentence for people, such as how often this can be done again.
type MasterKeyRotator interface {
	RotateMasterKey(ctx context.Context) (report string, err error)
}

// Rewrapper is a Keyring that can have every key encrypted anew, under the present
// master key. It does all or nothing; what an interrupted one has done already is not
// asked for again by the next. progress may be nil.
type Rewrapper interface {
	Rewrap(ctx context.Context, progress func(done, total int)) error
}
