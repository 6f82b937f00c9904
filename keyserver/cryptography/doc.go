// Package cryptography does what the key server offers to do with keys that do not
// leave it (KMIP 1.4, 4.6 and 4.29 to 4.37): it reads Cryptographic Parameters, and encrypts,
// decrypts, signs, verifies, makes codes, hashes and derives keys; and it knows the formats
// of asymmetric keys. It is pure: no store, no clock, no network, no objects.
//
// Everything takes its data in parts. Data in one request is one part, the last.
//
// Parameters that are not supported are refused, never passed over, and a mode is
// never guessed. What fails over keys and data has one error, ErrCryptography, whatever
// was wrong: padding, tag or key. Where it depends on the data, the time does not, as
// far as Go's standard library and this package can see to that.
package cryptography

import "github.com/dbkeyring/dbkeyring/kmip"

// ErrCryptography is a *kmip.Error of the reason Cryptographic Failure that does not tell
// what is wrong.
var ErrCryptography error = kmip.Errorf(kmip.ReasonCryptographicFailure, "the key, the data and the parameters do not go together")

func invalid(format string, args ...any) error {
	return kmip.Errorf(kmip.ReasonInvalidField, format, args...)
}
