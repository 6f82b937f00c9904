package kmsdata

import (
	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// Options say which file and which KMS key.
type Options struct {
	// DataFile is the file with the encrypted keys, absolute. It and its folder are
	// made when the keyring is opened and they are not there.
	DataFile string
	// KeyID is the KMS key (keyring_aws_cmk_id) in the form that awskms.ParseKeyID
	// returns. Without one nothing can be stored or generated.
	KeyID string
	// ReadOnly changes nothing; the file must exist.
	ReadOnly bool
	// AWS is how AWS KMS is reached; its Timeout bounds each call.
	AWS awskms.Options

	// FS is for tests that inject faults; nil is the operating system's.
	FS filesys.FS
}
