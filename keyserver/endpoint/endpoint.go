// Package endpoint is the register of the key server's clients. An endpoint is a
// name with the certificates that may speak for it; it owns the objects that it
// creates.
//
// Trust is by register, not by signature alone: a certificate that the CA signed
// but that is not (or no longer) in the register is nobody. So removing an
// endpoint needs no revocation list, and it works at once, on open connections too.
// The certificates of a foreign CA that was imported are entered one by one, too; its
// revocation list counts besides.
//
// Removing an endpoint never deletes its keys, and its name stays taken: whoever
// adds the same name later would otherwise own the keys of the old one. It takes
// an explicit word ([Options].Reclaim) to give them to a new certificate.
package endpoint

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// The kinds of error.
var (
	// ErrUnknown: the certificate belongs to no endpoint.
	ErrUnknown = errors.New("the certificate belongs to no endpoint of this key server")
	// ErrRemoved: the endpoint, or its certificate, was removed.
	ErrRemoved = errors.New("the endpoint or its certificate was removed")
	// ErrExpired: the certificate is past its end.
	ErrExpired = errors.New("the certificate has expired")
	// ErrNotFound: there is no endpoint of this name.
	ErrNotFound = errors.New("there is no such endpoint")
	// ErrExists: there is an endpoint of this name.
	ErrExists = errors.New("there is an endpoint of this name already")
	// ErrReclaim: the name was removed, and adding it again gives its keys away.
	ErrReclaim = errors.New("an endpoint of this name was removed, and its keys are still here")
	// ErrName: the name cannot be one.
	ErrName = errors.New("an endpoint's name is 1 to 64 of the characters A-Z a-z 0-9 . _ -")
)

// Identity is who a client is.
type Identity struct {
	Name  string
	Role  Role
	Group string // "": that of its own name
	// Limits are those of the endpoint, not of its group.
	Limits Limits
}

// Owner is the name that the client's objects are kept under: its group's.
func (i Identity) Owner() string {
	if i.Group != "" {
		return i.Group
	}
	return i.Name
}

// Fingerprint is the SHA-256 of a certificate's DER form.
type Fingerprint [sha256.Size]byte

// FingerprintOf returns a certificate's fingerprint.
func FingerprintOf(cert *x509.Certificate) Fingerprint { return sha256.Sum256(cert.Raw) }

// String is lower-case hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText is String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	if len(text) != 2*len(f) {
		return fmt.Errorf("a fingerprint has %d hexadecimal digits, not %d characters", 2*len(f), len(text))
	}
	_, err := hex.Decode(f[:], text)
	return err
}

// Certificate is one that speaks, or spoke, for an endpoint.
type Certificate struct {
	Fingerprint Fingerprint `json:"fingerprint"`
	NotBefore   time.Time   `json:"not_before"`
	NotAfter    time.Time   `json:"not_after"`
	// Cut is set when the certificate was taken away before its end.
	Cut *time.Time `json:"cut,omitempty"`
	// CA is the foreign CA that signed it, "" if that is the server's own; Issuer is the
	// CA's certificate, and Serial this one's serial number in hexadecimal digits.
	CA     string      `json:"ca,omitempty"`
	Issuer Fingerprint `json:"issuer,omitzero"`
	Serial string      `json:"serial,omitempty"`
	// Refused is why the foreign CA stands for it no more. Only [Registry.List] fills it in.
	Refused string `json:"refused,omitempty"`
}

// Endpoint is a client of the key server.
type Endpoint struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Group string `json:"group,omitempty"` // whose objects it shares; "": it is a group of itself
	// Admin stands for the role administrator, as records had it before there were roles.
	Admin        bool          `json:"admin,omitempty"`
	Limits       Limits        `json:"limits,omitzero"`
	Certificates []Certificate `json:"certificates"` // oldest first
	Created      time.Time     `json:"created"`
	Removed      *time.Time    `json:"removed,omitempty"`
}

// NotAfter is the end of the endpoint's newest certificate that is neither cut nor
// refused; the zero time if there is none.
func (e Endpoint) NotAfter() time.Time {
	var end time.Time
	for _, c := range e.Certificates {
		if c.Cut == nil && c.Refused == "" && c.NotAfter.After(end) {
			end = c.NotAfter
		}
	}
	return end
}

// Identity is who a client is that shows a certificate of the endpoint.
func (e Endpoint) Identity() Identity {
	return Identity{Name: e.Name, Role: e.Role, Group: e.Group, Limits: e.Limits}
}

func (e Endpoint) clone() Endpoint {
	e.Certificates = slices.Clone(e.Certificates)
	return e
}

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// CheckName returns nil for a name that an endpoint can have, else ErrName.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("%q: %w", name, ErrName)
	}
	return nil
}
