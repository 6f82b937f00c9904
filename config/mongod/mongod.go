// Package mongod reads the encryption options of mongod, as Percona Server for MongoDB
// has them (its page "Using the Key Management Interoperability Protocol"), from
// mongod.conf and from a command line.
package mongod

import (
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/keyfile"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
)

// FileName is the usual name of the configuration file.
const FileName = "mongod.conf"

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Options is a configuration without faults, with every default filled in.
type Options struct {
	DBPath  string // storage.dbPath, absolute
	Enabled bool   // security.enableEncryption
	Cipher  blockcipher.Mode

	// Of the three one is set if Enabled.
	KeyFile *keyfile.Options
	KMIP    *kmip.Options
	AWSKMS  *awskms.Options

	KeyIdentifier string        // security.kmip.keyIdentifier; "" is none
	Rotate        bool          // security.kmip.rotateMasterKey, security.awsKms.rotateMasterKey
	Activate      bool          // security.kmip.activateKeys
	PollPeriod    time.Duration // security.kmip.keyStatePollingSeconds; 0 is never
	LogOnly       bool          // security.kmip.keyStatePollingAction is "log"
}
