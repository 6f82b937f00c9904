// Package perconakms reads component_keyring_kms.cnf, the configuration file of
// Percona Server's component_keyring_kms (its page "Using the Amazon Key Management
// Service (AWS KMS)"), and writes one with its manifest.
//
// A file that works with Percona's component works here unchanged.
package perconakms

import (
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Component is the component's name, in the manifest and in the file names.
const Component = "component_keyring_kms"

// FileName is the configuration file's name, in the folder of the component
// (MySQL's plugin_dir) and, with read_local_config, in the data directory.
const FileName = Component + ".cnf"

// Options is a configuration without faults: what the back end needs, with every
// default filled in, and what the status table shows.
type Options struct {
	kmsfile.Options
	status []keyring.StatusRow
}

// Status returns the configuration's rows for performance_schema's
// keyring_component_status, in the order of Percona's component, ours after them. On
// the zero Options the values are "<NONE>". No row holds a secret.
func (o *Options) Status() []keyring.StatusRow {
	rows := make([]keyring.StatusRow, len(statusNames))
	for i, name := range statusNames {
		rows[i] = keyring.StatusRow{Name: name, Value: "<NONE>"}
		if i < len(o.status) && o.status[i].Value != "" {
			rows[i] = o.status[i]
		}
	}
	return rows
}

// Wipe lets go of the credentials. The strings that they are in cannot be wiped: the
// SDK of AWS wants strings.
func (o *Options) Wipe() { o.AWS.Credentials = nil }

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Read reads the global file in componentDir or, if that one says so, the local one
// in instanceDir instead (nothing is merged). An empty instanceDir is the base.
// Everything that is wrong is one error, of type [config.Faults]. Nothing is asked
// of AWS.
func Read(componentDir, instanceDir string, base config.Base) (Options, Report, error) {
	return read(config.OpenLocal(config.Reader{Base: base, Now: time.Now}, componentDir, instanceDir, FileName,
		"Write it, as the documentation shows, or let \"dbkeyring aws init --for component\" write it."))
}

// ReadFile reads one configuration file, whatever its name, for tools that have no
// data directory.
func ReadFile(file string, base config.Base) (Options, Report, error) {
	return read(config.OpenFile(config.Reader{File: file, Base: base, Now: time.Now}))
}

func read(o *config.Object, ok bool) (Options, Report, error) {
	if !ok {
		return Options{}, o.Report, o.Faults
	}
	defer o.Wipe()
	r := &reader{o}
	return r.finish()
}

// reader goes through one file and collects what there is to say about it.
type reader struct{ *config.Object }

// Names are the options: Percona's, then ours.
func Names() []string {
	return []string{
		"kms_key", "auth_key", "secret_access_key", "region", "path", "read_only", "read_local_config",
		"session_token", "endpoint", "proxy", "timeout_ms", "start_timeout_ms", "fips", "format",
	}
}

// Is says whether a configuration file is this component's, by its options.
func Is(o *config.Object) bool {
	return o.Has("kms_key") || o.Has("auth_key") || o.Has("secret_access_key")
}

// aliases are names that people write, and what they mean.
func aliases() map[string]string {
	return map[string]string{
		"kms_key_id": "kms_key", "key_id": "kms_key", "cmk_id": "kms_key", "key": "kms_key", "kms_keys": "kms_key",
		"access_key": "auth_key", "access_key_id": "auth_key", "aws_access_key_id": "auth_key",
		"secret_key": "secret_access_key", "aws_secret_access_key": "secret_access_key", "access_key_secret": "secret_access_key",
		"aws_session_token": "session_token", "token": "session_token",
		"aws_region": "region", "data_file": "path", "endpoint_url": "endpoint",
	}
}

// text is an optional string without blanks around it; a blank one is an absent one.
func (r *reader) text(option string) string {
	s, _ := r.Text(option)
	return strings.TrimSpace(s)
}
