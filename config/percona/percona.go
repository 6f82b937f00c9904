// Package percona reads component_keyring_kmip.cnf, the configuration file of
// Percona Server's component_keyring_kmip (its page "Use the Key Management
// Interoperability Protocol (KMIP)"), and writes one with its manifest.
//
// A file that works with Percona's component works here unchanged, with one
// exception: the server's certificate and its name are verified unless
// tls_peer_verification and tls_hostname_verification say false.
package percona

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Component is the component's name, in the manifest and in the file names.
const Component = "component_keyring_kmip"

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

// Report is what the administrator should know besides the faults. It is
// filled in even if there are faults.
type Report struct {
	File     string   // the configuration file that counts, absolute
	Warnings []string // what works and deserves attention; for the log
	Notes    []string // what was decided, such as which path was taken; for the log
}

// Read reads the global file in componentDir or, if that one says so, the local
// one in instanceDir instead (nothing is merged). An empty instanceDir is the
// base, as in Percona's component. Everything that is wrong is one error, of
// type [config.Faults].
//
// The files that the options name are read, too, so that a fault in one shows
// here, and their rights are compared with the needs of instanceDir's owner: a
// component is loaded as root, and reloaded as that owner.
func Read(componentDir, instanceDir string, base config.Base) (Options, Report, error) {
	if instanceDir == "" {
		instanceDir = string(base)
	}
	global := filepath.Join(componentDir, FileName)
	r := &reader{file: global, base: base, dataDir: instanceDir, now: time.Now, report: Report{File: global}}
	if !r.load("Write it, as the documentation shows, or let \"dbkeyring endpoint add NAME --for mysql\" write it.") {
		return Options{}, r.report, r.faults
	}
	defer r.wipe()
	if !r.boolean("read_local_config", false) {
		return r.finish()
	}
	if len(r.members) > 1 {
		r.note("%s says read_local_config: its other options do not count", global)
	}
	if len(r.faults) > 0 { // about read_local_config itself, or all of the file
		return Options{}, r.report, r.faults
	}
	r.checkOwner("", global)
	local := filepath.Join(instanceDir, FileName)
	l := &reader{file: local, base: base, dataDir: instanceDir, now: r.now, report: r.report}
	l.report.File = local
	if !l.load("The global file " + global + " says \"read_local_config\": true. Put the configuration into the data directory, or take that line out.") {
		return Options{}, l.report, l.faults
	}
	defer l.wipe()
	if l.boolean("read_local_config", false) {
		l.warn("read_local_config", "it has no effect in the local file")
	}
	return l.finish()
}

// ReadFile reads one configuration file, whatever its name, for tools that have
// no data directory.
func ReadFile(file string, base config.Base) (Options, Report, error) {
	r := &reader{file: file, base: base, now: time.Now, report: Report{File: file}}
	if !r.load("Name the configuration file of the component.") {
		return Options{}, r.report, r.faults
	}
	defer r.wipe()
	if r.boolean("read_local_config", false) {
		r.fault("read_local_config", "the options stand in the file of the same name in the data directory", "Name that file instead.", nil)
		return Options{}, r.report, r.faults
	}
	return r.finish()
}

// maxFile is far above any configuration.
const maxFile = 1 << 20

// load reads and splits the file; false if nothing can be said about its options.
func (r *reader) load(cureIfAbsent string) bool {
	info, err := os.Stat(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fileFault(0, "there is no such file", cureIfAbsent, err)
		return false
	case err != nil:
		r.fileFault(0, "cannot read it: "+osReason(err), r.rightsCure(r.file), err)
		return false
	case !info.Mode().IsRegular():
		r.fileFault(0, "it is not a regular file", "Put the configuration file there.", nil)
		return false
	case info.Size() > maxFile:
		r.fileFault(0, "it is too large for a configuration file", "Put the right file there.", nil)
		return false
	}
	data, err := os.ReadFile(r.file)
	if err != nil {
		r.fileFault(0, "cannot read it: "+osReason(err), r.rightsCure(r.file), err)
		return false
	}
	r.data = data
	return r.split()
}

// split takes the text apart and looks at the names.
func (r *reader) split() bool {
	members, err := config.ParseObject(r.data)
	if err != nil {
		syntax, _ := errors.AsType[*config.SyntaxError](err)
		r.fileFault(syntax.Line, syntax.Problem, "Write one JSON object with the options.", err)
		secret.Wipe(r.data)
		return false
	}
	r.index(members)
	return true
}

func (r *reader) wipe() { secret.Wipe(r.data) }

func osReason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
