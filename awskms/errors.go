package awskms

import (
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Class is what an error means to a keyring.
type Class int

const (
	// Transient: nobody answered, or AWS KMS could not just now. It says nothing
	// about the key; asking again may help.
	Transient Class = iota
	// Operator: somebody has to do something: credentials, permissions, no such KMS key.
	Operator
	// State: the KMS key is there, and disabled, or about to be deleted.
	State
	// Corruption: the blob is not what AWS KMS made, or is another key's.
	Corruption
	// Usage: AWS KMS can never do what was asked.
	Usage
)

// Error is a call of AWS KMS that failed.
type Error struct {
	Op      string // the operation, such as "Decrypt"; "" before there was one
	KeyID   string // the KMS key that was asked for; "" if none was named
	Class   Class
	Code    string // the code of AWS, such as "AccessDeniedException"; "" if nobody answered
	Message string // the text of AWS, or what happened instead
	Cure    string // advice, a sentence; may be ""
	Err     error  // the cause
}

// Error gives "AWS KMS operation key: message (code). Cure."
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("AWS KMS")
	for _, what := range []string{e.Op, e.KeyID} {
		if what != "" {
			b.WriteString(" " + what)
		}
	}
	b.WriteString(": " + strings.TrimRight(e.Message, ". "))
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Cure != "" {
		b.WriteString(". " + e.Cure)
	}
	return b.String()
}

// Unwrap gives the kind of error that a keyring returns, and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind()}
	}
	return []error{e.Kind(), e.Err}
}

// Kind is the class as a kind of a keyring's error. It is never ErrNotFound: that a
// KMS key is absent says nothing about the keys that it has encrypted.
func (e *Error) Kind() error { return kinds[e.Class] }

// kinds is the only place where a class becomes a kind.
var kinds = map[Class]error{
	Transient:  keyring.ErrUnreachable,
	Operator:   keyring.ErrDenied,
	State:      keyring.ErrInactive,
	Corruption: keyring.ErrCorrupt,
	Usage:      keyring.ErrInvalid,
}
