// Package mongod reads the encryption options of mongod, as Percona Server for MongoDB
// has them (its page "Using the Key Management Interoperability Protocol"), from
// mongod.conf and from a command line.
package mongod

import (
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	awsprovider "github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/keyfile"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
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
	AWSKMS  *awsprovider.Options

	KeyIdentifier string        // security.kmip.keyIdentifier; "" is none
	Rotate        bool          // security.kmip.rotateMasterKey, security.awsKms.rotateMasterKey
	Activate      bool          // security.kmip.activateKeys
	PollPeriod    time.Duration // security.kmip.keyStatePollingSeconds; 0 is never
	LogOnly       bool          // security.kmip.keyStatePollingAction is "log"

	// EngineConfig is what mongod is to hand to WiredTiger besides what we add
	// (storage.wiredTiger.engineConfig.configString): its last value is the only one
	// that counts with mongod.
	EngineConfig string

	credentials awskms.Credentials // of AWSKMS; the zero ones are the default chain's
}

// Wipe wipes the password.
func (o *Options) Wipe() {
	if o.KMIP != nil {
		o.KMIP.Password.Wipe()
	}
}

// Read reads a mongod.conf. A relative file is taken in the base. Everything that is
// wrong is one error, of type [config.Faults].
//
// The files that the options name are read, too, so that a fault in one shows here, and
// their rights are compared with the needs of the data directory's owner: mongod runs
// as that one, and this may be root.
func Read(file string, base config.Base) (Options, Report, error) {
	r := newReader(base)
	if !r.open(file, "Write it, as the documentation shows, or let \"dbkeyring endpoint add NAME --for mongod\" write the options.") {
		return Options{}, r.Report, r.Faults
	}
	return r.finish()
}

// ReadArgs reads mongod's command line, without the program's name: the options, and the
// configuration file that --config (-f) names, over which the command line wins. The
// file is Report.File, "" if there is none.
//
// Rest is what of the command line is mongod's own. The configuration file is not in it
// (a mongod that is not Percona's is handed [ForMongod] of it), nor is what became of
// Options.EngineConfig.
func ReadArgs(args []string, base config.Base) (o Options, report Report, rest []string, err error) {
	r := newReader(base)
	r.args = true
	file, rest := r.readArgs(args)
	fromArgs := r.set
	if file != "" {
		r.set = map[string]setting{}
		if !r.open(file, "Correct the path behind --config, or write the file.") {
			return Options{}, r.Report, rest, r.Faults
		}
		r.overrule(fromArgs)
	}
	o, report, err = r.finish()
	return o, report, rest, err
}

// open reads the configuration file; false if nothing can be said about the options.
func (r *reader) open(file, cureIfAbsent string) bool {
	r.File = absolute(r.Base, file)
	r.Report.File = r.File
	data := r.ReadFile(cureIfAbsent)
	defer secret.Wipe(data)
	return data != nil && r.readFile(data)
}
