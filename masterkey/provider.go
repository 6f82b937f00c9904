// Package masterkey is the life of a database's master key, as Percona Server for
// MongoDB has it (its page "Using the Key Management Interoperability Protocol"): it is
// obtained, activated, verified, polled and rotated; and the key store whose data keys it
// wraps.
//
// Who keeps the master key is a [Provider]: a key file, a KMIP server, AWS KMS.
package masterkey

import (
	"context"

	"github.com/dbkeyring/dbkeyring/secret"
)

// Size is the length of a master key, and of a data key, in bytes.
const Size = 32

// Ref names a master key. Nothing in it is secret.
type Ref struct {
	Provider string `json:"provider"`       // Provider.Name of its keeper
	ID       string `json:"id,omitempty"`   // the KMIP Unique Identifier, the ARN of the KMS key
	Blob     []byte `json:"blob,omitempty"` // of AWS KMS: the key, encrypted
	Server   string `json:"server,omitempty"`
	// Check tells the key from others: see [CheckValue]. "" before the key was read.
	Check string `json:"check,omitempty"`
}

// The names of the providers.
const (
	KeyFile = "keyFile"
	KMIP    = "kmip"
	AWSKMS  = "awsKms"
)

// State is a master key's state, in the words of KMIP (KMIP 1.4, 3.22).
type State string

// The states. A keeper without any calls a key that it has Active.
const (
	PreActive            State = "Pre-Active"
	Active               State = "Active"
	Deactivated          State = "Deactivated"
	Compromised          State = "Compromised"
	Destroyed            State = "Destroyed"
	DestroyedCompromised State = "Destroyed Compromised"
)

// Provider keeps master keys. All errors are of the kinds of package keyring:
// ErrNotFound only if every keeper says so, ErrInactive if every one that answers does,
// and an outage is ErrUnreachable. All methods may be called from many goroutines, and honour their
// context.
type Provider interface {
	// Name is one of the names above.
	Name() string

	// Read returns the key, Size bytes, which the caller wipes, and the Ref with the
	// Server that answered. A zero Ref.ID is the key file's only key.
	Read(ctx context.Context, r Ref) (*secret.Bytes, Ref, error)

	// State returns the state of a key.
	State(ctx context.Context, r Ref) (State, error)

	// Create makes a new key of Size random bytes and keeps it, Pre-Active where there
	// are states. marker is a name, unique to this attempt, by which Find finds the key
	// if no answer came. ErrInvalid: this provider makes none.
	Create(ctx context.Context, marker string) (*secret.Bytes, Ref, error)

	// Find looks for what a Create with this marker has made, for one whose outcome is
	// not known; ErrNotFound: nothing, of those that answer.
	Find(ctx context.Context, marker string) (Ref, error)

	// Activate makes a Pre-Active key Active; an Active one stays so.
	Activate(ctx context.Context, r Ref) error

	// Close ends connections.
	Close() error
}
