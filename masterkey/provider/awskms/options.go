// Package awskms is the provider of master keys that AWS KMS encrypts: the key is random,
// and only what AWS KMS has made of it is kept, beside the data keys.
package awskms

import "github.com/dbkeyring/dbkeyring/awskms"

// Options say which KMS key.
type Options struct {
	KeyID string // as awskms.ParseKeyID returns it
	AWS   awskms.Options
}
