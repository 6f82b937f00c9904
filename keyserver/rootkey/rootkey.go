// Package rootkey knows the kinds of root key that a data directory can have, and
// wraps the directory's data keys with them.
//
//	file         32 bytes in a file, beside the store or elsewhere
//	passphrase   made of a pass phrase with Argon2id at each start
//	aws-kms      a key of AWS KMS, which never leaves it
//	kmip         a symmetric key of another KMIP server, read at each start
//
// The store holds the [Settings] and the wrapped data keys, and never a root key. So a
// root key is changed by wrapping the data keys anew. Each kind is a [Source].
package rootkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/passphrase"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Kind is a kind of root key.
type Kind string

// The kinds.
const (
	KindFile       Kind = "file"
	KindPassPhrase Kind = "passphrase"
	KindAWSKMS     Kind = "aws-kms"
	KindKMIP       Kind = "kmip"
)

// Size is the size of a root key of one's own in bytes.
const Size = 32

// ErrWrong: the root key is not the one that the data keys were wrapped with. An
// outage is never this.
var ErrWrong = errors.New("it is not the root key that this data directory was locked with")

// Settings say which root key it is. They are stored in clear and have no secret.
type Settings struct {
	Kind Kind `json:"kind"`
	// ID tells one root key from the next: of a key of one's own a digest.
	ID         string             `json:"id,omitempty"`
	File       string             `json:"file,omitempty"` // absolute; "": beside the store
	PassPhrase *passphrase.Params `json:"passphrase,omitempty"`
	AWSKMS     *AWSKMS            `json:"aws_kms,omitempty"`
	KMIP       *KMIP              `json:"kmip,omitempty"`
}

// AWSKMS names a key of AWS KMS.
type AWSKMS struct {
	Key      string `json:"key"`                // ARN, ID or alias
	Region   string `json:"region,omitempty"`   // "": that of the ARN, or of the AWS configuration
	Endpoint string `json:"endpoint,omitempty"` // URL; "": AWS' own
}

// KMIP names a key of another KMIP server, and how it is reached: with a configuration,
// or with a server and files.
type KMIP struct {
	Key     string `json:"key"` // Unique Identifier
	Config  string `json:"config,omitempty"`
	Server  string `json:"server,omitempty"`
	Cert    string `json:"cert,omitempty"`
	KeyFile string `json:"key_file,omitempty"`
	CA      string `json:"ca,omitempty"`
}

// String names the root key for people.
func (s Settings) String() string {
	switch {
	case s.Kind == KindFile && s.File != "":
		return "the file " + s.File
	case s.Kind == KindFile:
		return "a file beside the store"
	case s.Kind == KindPassPhrase:
		return "a pass phrase"
	case s.Kind == KindAWSKMS && s.AWSKMS != nil:
		return "the key " + s.AWSKMS.Key + " of AWS KMS"
	case s.Kind == KindKMIP && s.KMIP != nil && s.KMIP.Server != "":
		return "the key " + s.KMIP.Key + " of the KMIP server " + s.KMIP.Server
	case s.Kind == KindKMIP && s.KMIP != nil:
		return "the key " + s.KMIP.Key + " of the KMIP server of " + s.KMIP.Config
	}
	return fmt.Sprintf("a root key of the kind %q", s.Kind)
}

// Key is an open root key.
type Key interface {
	// Wrap encrypts data keys.
	Wrap(ctx context.Context, plain *secret.Bytes) ([]byte, error)
	// Unwrap decrypts what Wrap made. ErrWrong: it was another root key's.
	Unwrap(ctx context.Context, wrapped []byte) (*secret.Bytes, error)
	// Wipe ends the use.
	Wipe()
}

// Source has the root keys of one kind.
type Source interface {
	// Open returns the root key that the settings name.
	Open(ctx context.Context, s Settings) (Key, error)
	// Make returns a new root key, and the settings by which it is opened from now
	// on. s.ID is that of the present root key, which counts until Keep. phrase is for
	// who makes a root key of one, else nil.
	Make(ctx context.Context, s Settings, phrase *secret.Bytes) (Settings, Key, error)
	// Keep is called when the store names the new root key.
	Keep(s Settings) error
	// Drop removes a root key that no store names any more, where it is ours.
	Drop(s Settings) error
}

// Sources are the kinds that a program knows.
type Sources map[Kind]Source

// Of returns the source of a kind.
func (x Sources) Of(k Kind) (Source, error) {
	if s := x[k]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("this program knows no root key of the kind %q. Use the version of dbkeyring that made the data directory, or a later one", k)
}
