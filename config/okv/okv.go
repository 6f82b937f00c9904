// Package okv reads the configuration directory of MySQL's keyring_okv plugin
// (MySQL manual, 6.4.8, "Using the keyring_okv KMIP Plugin"), and writes one:
// okvclient.ora, and in the folder ssl the files CA.pem, cert.pem, key.pem and,
// if the key has a password, password.txt.
//
// A directory that works with MySQL's plugin works here unchanged, with one
// exception: the name in the server's certificate is verified unless
// okvclient.ora says DBKEYRING_VERIFY_SERVER_NAME=no.
package okv

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Plugin is the plugin's name, and Variable that of its system variable, which
// names the configuration directory.
const (
	Plugin   = "keyring_okv"
	Variable = "keyring_okv_conf_dir"
)

// FileName is the name of the file with the servers.
const FileName = "okvclient.ora"

// NoDirectory is what the plugin tells when the variable is empty, in the
// document's words.
const NoDirectory = "For keyring_okv to be initialized, please point the keyring_okv_conf_dir variable to a directory " +
	"containing Oracle Key Vault configuration file and ssl materials"

// ErrNoDirectory is Read's error for an empty directory name.
var ErrNoDirectory = errors.New(NoDirectory)

// Options is a configuration without faults: what the back end needs, with
// every default filled in, and what a status table shows.
type Options struct {
	kmip.Options
	status []keyring.StatusRow
}

// Status returns the configuration's rows for a status table. No row holds a
// secret. The zero Options has none.
func (o *Options) Status() []keyring.StatusRow { return o.status }

// Wipe wipes the password.
func (o *Options) Wipe() { o.ClientKeyPassword.Wipe() }

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Defaults. The document gives the version and the time of an attempt. Attempts
// overlap, so that the first load waits for little more than one.
const (
	defaultVersion        = "1.1"
	defaultConnectTimeout = 20_000
	defaultTimeout        = 5_000
	defaultStartTimeout   = 30_000
)

// The names in okvclient.ora: the document's, then ours.
const (
	server         = "SERVER"
	standbyServer  = "STANDBY_SERVER"
	kmipVersion    = "DBKEYRING_KMIP_VERSION"
	connectTimeout = "DBKEYRING_CONNECT_TIMEOUT_MS"
	timeout        = "DBKEYRING_KMIP_TIMEOUT_MS"
	startTimeout   = "DBKEYRING_START_TIMEOUT_MS"
	verifyName     = "DBKEYRING_VERIFY_SERVER_NAME"
)

// prefix begins our names; any other that begins so is a fault.
const prefix = "DBKEYRING_"

// Read reads the configuration directory dir. Everything that is wrong is one
// error, of type [config.Faults]; for an empty dir it is [ErrNoDirectory].
func Read(dir string) (Options, Report, error) {
	if dir == "" {
		return Options{}, Report{}, ErrNoDirectory
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	r := &reader{Reader: config.Reader{File: filepath.Join(dir, FileName), Now: time.Now, Lines: map[string]int{}}, values: map[string]string{}}
	r.Report.File = r.File
	var o Options
	r.SSLDir(Variable, dir, &o.Options)
	if len(r.Faults) == 0 || !isVariable(r.Faults[0]) { // of a directory that is not there, nothing else need be said
		r.ora(dir, &o)
	}
	if len(r.Faults) > 0 {
		o.Wipe()
		r.Faults.Sort()
		return Options{}, r.Report, r.Faults
	}
	o.Cure = config.CureWords{
		File: r.File, Servers: server + " and " + standbyServer,
		ConnectTimeout: connectTimeout, StartTimeout: startTimeout, NoHostname: verifyName + "=no",
	}.Cure(o.Options)
	return o, r.Report, nil
}

func isVariable(f *config.Fault) bool { return f.Option == Variable }

// ora turns okvclient.ora into options.
func (r *reader) ora(dir string, o *Options) {
	cure := "Write it, with the line SERVER=host:port."
	if from := filepath.Join(dir, "conf", FileName); isFile(from) {
		cure = "Copy " + from + ", where okvclient.jar has put it."
	}
	data := r.ReadFile(cure)
	if data == nil {
		return
	}
	r.split(data)
	if mode, ok := config.ModeOf(r.File); ok && mode&0o002 != 0 {
		r.Warn("", "everyone on this host can change it; chmod o-w "+r.File)
	}

	primary, ok := r.values[server]
	switch {
	case !ok:
		r.Fault(server, "it is missing", "Write the line SERVER=host:port.", nil)
	case primary == "":
		r.Fault(server, "it is blank", "Write SERVER=host:port.", nil)
	}
	o.Profile = kmip.ProfileOKV
	o.Servers = r.PrimaryAndStandbys(server, primary, standbyServer, r.list(standbyServer))
	version := r.choice(kmipVersion, defaultVersion, []string{"1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1", "auto"})
	if version != "auto" {
		o.ProtocolVersion = version
	}
	o.ConnectTimeout = r.milliseconds(connectTimeout, defaultConnectTimeout)
	o.Timeout = r.milliseconds(timeout, defaultTimeout)
	o.StartTimeout = r.milliseconds(startTimeout, defaultStartTimeout)
	o.SkipHostnameVerification = r.choice(verifyName, "yes", []string{"yes", "no"}) == "no"
	if o.SkipHostnameVerification {
		r.Warn(verifyName, "the name in the key server's certificate is not verified: any server certificate of "+config.CAName+"'s authority will do")
	}
	if len(o.Servers) == 0 {
		return
	}
	o.status = []keyring.StatusRow{
		{Name: "Keyring_okv_conf_dir", Value: dir},
		{Name: "Server", Value: o.Servers[0]},
		{Name: "Standby_server", Value: strings.Join(o.Servers[1:], ", ")},
		{Name: "Kmip_version", Value: version},
		{Name: "Connect_timeout_ms", Value: strconv.FormatInt(o.ConnectTimeout.Milliseconds(), 10)},
		{Name: "Kmip_timeout_ms", Value: strconv.FormatInt(o.Timeout.Milliseconds(), 10)},
		{Name: "Start_timeout_ms", Value: strconv.FormatInt(o.StartTimeout.Milliseconds(), 10)},
		{Name: "Tls_hostname_verification", Value: strconv.FormatBool(!o.SkipHostnameVerification)},
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
