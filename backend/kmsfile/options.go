package kmsfile

import (
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// Format is how the data file is written. Either is read whatever the option says.
type Format string

const (
	// FormatPercona is that of Percona Server's component_keyring_kms, to the byte.
	FormatPercona Format = "percona"
	// FormatDBKeyring adds the KMS key's ARN, an encryption context, several KMS
	// keys for each key, and a checksum.
	FormatDBKeyring Format = "dbkeyring"
)

// Options say which file, which KMS keys, and what may be done.
type Options struct {
	// Path is the data file, absolute. One that does not exist is an empty keyring, and is
	// made by the first key.
	Path string
	// ReadOnly changes nothing, not even a backup that has to be restored.
	ReadOnly bool
	// Keys are the KMS keys in the form that awskms.ParseKeyID returns. The first
	// one encrypts; with FormatDBKeyring, each of them does.
	Keys   []string
	Format Format // "" is FormatPercona
	// AWS is how AWS KMS is reached; its Timeout bounds each call.
	AWS awskms.Options
	// StartTimeout bounds the opening as a whole. 0 is 30 s.
	StartTimeout time.Duration

	// FS is for tests that inject faults; nil is the operating system's.
	FS filesys.FS
}
