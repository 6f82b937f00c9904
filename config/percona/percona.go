// Package percona reads component_keyring_kmip.cnf, the configuration file of
// Percona Server's component_keyring_kmip (its page "Use the Key Management
// Interoperability Protocol (KMIP)"), and writes one with its manifest.
//
// A file that works with Percona's component works here unchanged, with one
// exception: the server's certificate and its name are verified unless
// tls_peer_verification and tls_hostname_verification say false.
package percona

import (
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Component is the component's name, in the manifest and in the file names.
const Component = config.ComponentKMIP

// FileName is the configuration file's name, in the folder of the component
// (MySQL's plugin_dir) and, with read_local_config, in the data directory.
const FileName = Component + ".cnf"

// Options is a configuration without faults: what the back end needs, with
// every default filled in, and what the status table shows.
type Options struct {
	kmip.Options
	status []keyring.StatusRow
}

// Status returns the configuration's rows for performance_schema's
// keyring_component_status, in the order of Percona's component, ours after
// them. On the zero Options the values are "<NONE>". No row holds a secret.
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

// Wipe wipes the password.
func (o *Options) Wipe() { o.ClientKeyPassword.Wipe() }

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Read reads the global file in componentDir or, if that one says so, the local
// one in instanceDir instead (nothing is merged). An empty instanceDir is the
// base, as in Percona's component. Everything that is wrong is one error, of
// type [config.Faults].
//
// The files that the options name are read, too, so that a fault in one shows
// here, and their rights are compared with the needs of instanceDir's owner: a
// component is loaded as root, and reloaded as that owner.
func Read(componentDir, instanceDir string, base config.Base) (Options, Report, error) {
	return read(config.OpenLocal(config.Reader{Base: base, Now: time.Now}, componentDir, instanceDir, FileName,
		"Write it, as the documentation shows, or let \"dbkeyring endpoint add NAME --for mysql\" write it."))
}

// ReadFile reads one configuration file, whatever its name, for tools that have
// no data directory.
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

// aliases are names that people write, and what they mean.
func aliases() map[string]string {
	return map[string]string{
		"client_certificate": "client_ca", "client_cert": "client_ca", "root_ca": "server_ca", "ca": "server_ca",
		"server_host": "server_addr", "host": "server_addr", "port": "server_port",
	}
}
