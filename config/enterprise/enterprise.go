// Package enterprise reads component_keyring_kmip.cnf as MySQL Enterprise's
// component_keyring_kmip has it (MySQL 9.6 manual, "Using the KMIP Keyring
// Component"): kmip_configuration_directory, server, standby_server, cache_keys.
// Percona Server's component of the same name has other options; config.IsEnterprise
// tells the files apart.
//
// A file that works with MySQL's component works here unchanged, with one
// exception: the name in the server's certificate is verified unless
// tls_hostname_verification says false.
package enterprise

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// FileName is the configuration file's name, in the folder of the component
// (MySQL's plugin_dir) and, with read_local_config, in the data directory.
const FileName = config.ComponentKMIP + ".cnf"

// Options is a configuration without faults: what the back end needs, with
// every default filled in, and what the status table shows.
type Options struct {
	kmip.Options
	status []keyring.StatusRow
}

// Status returns the configuration's rows for performance_schema's
// keyring_component_status. On the zero Options the values are "<NONE>". No row
// holds a secret.
func (o *Options) Status() []keyring.StatusRow {
	if o.status == nil {
		return rows([]string{"", "", "", "", "", "", "", "", ""})
	}
	return o.status
}

// Wipe wipes the password.
func (o *Options) Wipe() { o.ClientKeyPassword.Wipe() }

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Read reads the global file in componentDir or, if that one says so, the local
// one in instanceDir instead (nothing is merged). An empty instanceDir is the
// base. Everything that is wrong is one error, of type [config.Faults]. The files
// in ssl are read, too, so that a fault in one shows here.
func Read(componentDir, instanceDir string, base config.Base) (Options, Report, error) {
	return read(config.OpenLocal(config.Reader{Base: base, Now: time.Now}, componentDir, instanceDir, FileName,
		"Write it, as the documentation shows."))
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

// Defaults. MySQL's documents give KMIP 1.1 and, for keyring_okv, 20 s for an
// attempt; they do not say what a missing cache_keys means: we take the value
// that leaves no plain key in memory.
const (
	defaultVersion        = "1.1"
	defaultCacheKeys      = false
	defaultConnectTimeout = 20_000
	defaultTimeout        = 5_000
	defaultStartTimeout   = 30_000
)

// aliases are names that people write, and what they mean.
func aliases() map[string]string {
	return map[string]string{
		"standby_servers": "standby_server", "standby": "standby_server", "primary_server": "server",
		"configuration_directory": "kmip_configuration_directory", "kmip_config_directory": "kmip_configuration_directory",
	}
}

// finish turns the members into options.
func (r *reader) finish() (Options, Report, error) {
	if !r.CheckProduct(true) {
		return Options{}, r.Report, r.Faults
	}
	r.CheckNames(slices.Concat(config.EnterpriseNames(), config.CommonNames()), aliases())
	o := Options{Options: kmip.Options{Profile: kmip.ProfileOKV}}
	r.CheckOwner("", r.File)
	r.servers(&o)
	dir := r.directory(&o)
	o.NoCache = !r.Boolean("cache_keys", defaultCacheKeys)
	if !r.Has("cache_keys") {
		r.Note("cache_keys (%s) is not set: keys are fetched from the key server at each access, and none stays in memory", r.File)
	}
	version := r.Choice("kmip_version", defaultVersion, []string{"1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1", "auto"})
	if version != "auto" {
		o.ProtocolVersion = version
	}
	milliseconds := func(option string, otherwise int) time.Duration {
		return time.Duration(r.Integer(option, otherwise, math.MaxInt32, "milliseconds")) * time.Millisecond
	}
	o.ConnectTimeout = milliseconds("connect_timeout_ms", defaultConnectTimeout)
	o.Timeout = milliseconds("kmip_timeout_ms", defaultTimeout)
	o.StartTimeout = milliseconds("start_timeout_ms", defaultStartTimeout)
	o.SkipHostnameVerification = !r.Boolean("tls_hostname_verification", true)
	if o.SkipHostnameVerification {
		r.Warn("tls_hostname_verification", "the name in the key server's certificate is not verified: any server certificate of "+config.CAName+"'s authority will do")
	}
	if len(r.Faults) > 0 {
		o.Wipe()
		r.Faults.Sort()
		return Options{}, r.Report, r.Faults
	}
	o.Cure = config.CureWords{
		File: r.File, Servers: "server and standby_server",
		ConnectTimeout: "connect_timeout_ms", StartTimeout: "start_timeout_ms", NoHostname: `"tls_hostname_verification": false`,
	}.Cure(o.Options)
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	o.status = rows([]string{
		dir, strconv.FormatBool(!o.NoCache), o.Servers[0], strings.Join(o.Servers[1:], ", "), version,
		ms(o.ConnectTimeout), ms(o.Timeout), ms(o.StartTimeout), strconv.FormatBool(!o.SkipHostnameVerification),
	})
	return o, r.Report, nil
}

// rows puts the names to the values of the status.
func rows(values []string) []keyring.StatusRow {
	names := []string{
		"Kmip_configuration_directory", "Cache_keys", "Server", "Standby_server", "Kmip_version",
		"Connect_timeout_ms", "Kmip_timeout_ms", "Start_timeout_ms", "Tls_hostname_verification",
	}
	all := make([]keyring.StatusRow, len(names))
	for i, name := range names {
		value := values[i]
		if value == "" {
			value = "<NONE>"
		}
		all[i] = keyring.StatusRow{Name: name, Value: value}
	}
	return all
}

// servers reads server and standby_server.
func (r *reader) servers(o *Options) {
	primary, _ := r.Required("server", `the key server, as "host:port"`)
	standbys, _ := r.Strings("standby_server")
	o.Servers = r.PrimaryAndStandbys("server", strings.TrimSpace(primary), "standby_server", standbys)
}

// directory reads kmip_configuration_directory and the files in its folder ssl.
func (r *reader) directory(o *Options) string {
	const option = "kmip_configuration_directory"
	const what = "the directory that has the folder ssl, with CA.pem, cert.pem and key.pem"
	if !r.Has(option) {
		r.Missing(option, "it is missing", what)
		return ""
	}
	text, ok := r.Text(option)
	if !ok {
		return ""
	}
	if strings.TrimSpace(text) == "" {
		r.Missing(option, "Keyring kmip path is empty in configuration file", what)
		return ""
	}
	dir, ok := r.Resolve(option, text)
	if !ok {
		return ""
	}
	r.SSLDir(option, dir, &o.Options)
	return dir
}
