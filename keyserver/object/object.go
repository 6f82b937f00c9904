// Package object is what the key server knows of a managed object besides its
// key bytes, and the rules of its life (KMIP 1.4, 3 and 3.22). It is pure: no
// store, no clock, no network.
package object

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Object is a managed object without its content. Whoever shares one treats it as
// immutable and changes a Clone.
type Object struct {
	ID     string // the Unique Identifier
	Owner  string // the name of the endpoint that made it
	Serial uint64 // objects are numbered as they are made: their order in Locate
	Type   kmip.ObjectType
	// State is the state at the last change. What it is now, dates considered, is
	// StateAt.
	State kmip.State

	Dates      Dates
	Revocation kmip.RevocationReason // Code 0: never revoked
	Digest     []byte                // SHA-256 of the content

	// Fresh: not given out by Get yet (KMIP 1.4, 3.34).
	Fresh bool
	// Generated: the key server has made the key bytes, at random.
	Generated bool
	// WasPlain and WasExtractable: it was not Sensitive, or was Extractable, at some
	// time before it was changed to what its attributes say.
	WasPlain, WasExtractable bool

	// Attributes are those that the client owns or has set, its dates excepted.
	Attributes kmip.Attributes

	Content Content
}

// Dates are an object's dates, each cut to the second, as KMIP sends them. The
// zero time is a date that is not set.
type Dates struct {
	Initial, LastChange, OriginalCreation               time.Time
	Activation, ProcessStart, ProtectStop, Deactivation time.Time
	Destroy, Compromise, CompromiseOccurrence           time.Time
	Archive                                             time.Time // zero: it is online
}

// Content is what has to be known of the key bytes to make a kmip.Object again.
type Content struct {
	Format         kmip.KeyFormatType // 0 in an Opaque Object
	Algorithm      kmip.CryptographicAlgorithm
	Length         int32
	SecretDataType kmip.SecretDataType
	OpaqueDataType uint32
	Attributes     kmip.Attributes // inside the Key Value
	// Wrapping says how the key bytes are wrapped, where the client has registered them so.
	Wrapping *kmip.KeyWrappingData

	CertificateType kmip.CertificateType
	Split           kmip.SplitKey
	PGPKeyVersion   int32
}

// Clone returns a copy that can be changed without changing o.
func (o *Object) Clone() *Object {
	c := *o
	c.Attributes = slices.Clone(o.Attributes)
	return &c
}

// SetDigest keeps the digest of the content (KMIP 1.4, 3.17).
func (o *Object) SetDigest(content []byte) {
	digest := sha256.Sum256(content)
	o.Digest = digest[:]
}

// Names returns the text of the object's names.
func (o *Object) Names() []string { return o.Attributes.Names() }

// StateAt returns the state at a moment: a date that has come changes the state
// by itself, also while the server was down (KMIP 1.4, 3.22, transitions 4 and 6).
func (o *Object) StateAt(now time.Time) kmip.State {
	s := o.State
	if s == kmip.StatePreActive && reached(o.Dates.Activation, now) {
		s = kmip.StateActive
	}
	if s == kmip.StateActive && reached(o.Dates.Deactivation, now) {
		s = kmip.StateDeactivated
	}
	return s
}

func reached(date, now time.Time) bool { return !date.IsZero() && !date.After(now) }

// Destroyed says whether the key bytes are gone.
func (o *Object) Destroyed() bool { return destroyed(o.State) }

func destroyed(s kmip.State) bool {
	return s == kmip.StateDestroyed || s == kmip.StateDestroyedCompromised
}

// seconds cuts a moment to what KMIP can say.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
