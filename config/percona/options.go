package percona

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Defaults of Percona's component and, of the last one, ours.
const (
	defaultMaxObjects   = 65535
	defaultTimeoutMS    = 5000
	defaultStartTimeout = 10000
)

// kmipVersions are the values of kmip_version besides "auto".
var kmipVersions = []string{"1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "2.1"}

// statusNames are the status rows: Percona's in its order, then ours.
var statusNames = []string{
	"Server_addr", "Server_port", "Client_ca", "Client_key", "Server_ca", "Object_group", "Max_objects",
	"Kmip_timeout_ms", "Tls_peer_verification", "Tls_hostname_verification",
	"Start_timeout_ms", "Kmip_version", "Inactive_keys",
}

// finish turns the members into options.
func (r *reader) finish() (Options, Report, error) {
	if !r.CheckProduct(false) {
		return Options{}, r.Report, r.Faults
	}
	r.CheckNames(slices.Concat(config.PerconaNames(), config.CommonNames()), aliases())
	var o Options
	addr, port := r.servers(&o)
	r.files(&o)
	o.ObjectGroup, _ = r.Text("object_group")
	o.MaxObjects = r.Integer("max_objects", defaultMaxObjects, math.MaxInt32, "objects")
	timeout := r.Integer("kmip_timeout_ms", defaultTimeoutMS, math.MaxInt32, "milliseconds")
	start := r.Integer("start_timeout_ms", defaultStartTimeout, math.MaxInt32, "milliseconds")
	if start < timeout {
		r.Warn("start_timeout_ms", fmt.Sprintf("it is %d, less than kmip_timeout_ms, %d: the start does not wait that long for an answer", start, timeout))
	}
	o.Timeout = time.Duration(timeout) * time.Millisecond
	o.StartTimeout = time.Duration(start) * time.Millisecond
	r.verification(&o)
	version := r.Choice("kmip_version", "auto", append([]string{"auto"}, kmipVersions...))
	if version != "auto" {
		o.ProtocolVersion = version
	}
	inactive := r.Choice("inactive_keys", "serve", []string{"serve", "refuse"})
	o.RefuseInactive = inactive == "refuse"
	if len(r.Faults) > 0 {
		o.Wipe()
		r.Faults.Sort()
		return Options{}, r.Report, r.Faults
	}
	o.Cure = cure(r.File, o.Options)
	for i, v := range []string{
		addr, port, o.ClientCertFile, o.ClientKeyFile, o.ServerCAFile, o.ObjectGroup, strconv.Itoa(o.MaxObjects),
		strconv.Itoa(timeout), strconv.FormatBool(!o.SkipPeerVerification), strconv.FormatBool(!o.SkipHostnameVerification),
		strconv.Itoa(start), version, inactive,
	} {
		o.status = append(o.status, keyring.StatusRow{Name: statusNames[i], Value: v})
	}
	return o, r.Report, nil
}

// servers reads server_addr, a host or a list of them, and server_port, and
// returns them for the status.
func (r *reader) servers(o *Options) (addr, port string) {
	items, ok := r.serverList()
	port, portOK := r.port(ok && allHavePorts(items))
	if !ok {
		return "", ""
	}
	for _, item := range items {
		p := port
		if !portOK {
			p = "1" // server_port has a fault of its own: look at the host all the same
		}
		server, err := config.ParseServer(item, p)
		if err != nil {
			r.Fault("server_addr", err.Error(), `Write a host, "host:port" or a list of these.`, nil)
			continue
		}
		if slices.Contains(o.Servers, server) {
			r.Warn("server_addr", server+" stands in it more than once")
			continue
		}
		o.Servers = append(o.Servers, server)
	}
	return strings.Join(items, ", "), port
}

// serverList returns the trimmed items of server_addr; false after a fault.
func (r *reader) serverList() ([]string, bool) {
	const what = `the key server's host, or a list such as ["kms1.example.com", "kms2.example.com:5697"]`
	if !r.Has("server_addr") {
		r.Missing("server_addr", "it is missing", what)
		return nil, false
	}
	items, ok := r.Strings("server_addr")
	if ok && len(items) == 0 {
		r.Missing("server_addr", "it is blank", what)
	}
	return items, ok && len(items) > 0
}

// allHavePorts says whether server_port is not needed.
func allHavePorts(items []string) bool {
	return !slices.ContainsFunc(items, func(s string) bool {
		_, err := config.ParseServer(s, "")
		return err != nil
	})
}

// port reads server_port, a string or a number; false after a fault.
func (r *reader) port(optional bool) (string, bool) {
	const what = "the key server's port, usually 5696"
	m, ok := r.Members["server_port"]
	var text string
	switch {
	case !ok && optional:
		return "", true
	case ok && config.Kind(m.Value) == "a number":
		text = string(m.Value)
	default:
		if text, ok = r.Required("server_port", what); !ok {
			return "", false
		}
	}
	n, err := config.ParsePort(text)
	if err != nil {
		r.Fault("server_port", err.Error(), "Set it to "+what+".", nil)
		return "", false
	}
	return strconv.Itoa(n), true
}

func (r *reader) verification(o *Options) {
	o.SkipPeerVerification = !r.Boolean("tls_peer_verification", true)
	o.SkipHostnameVerification = !r.Boolean("tls_hostname_verification", true)
	_, hostnameSaid := r.Members["tls_hostname_verification"]
	switch {
	case o.SkipPeerVerification:
		r.Warn("tls_peer_verification", "the key server's certificate is not verified: whoever can redirect the connection gets the keys")
		if hostnameSaid && !o.SkipHostnameVerification {
			r.Warn("tls_hostname_verification", "it has no effect while tls_peer_verification is false")
		}
		o.SkipHostnameVerification = true
	case o.SkipHostnameVerification:
		r.Warn("tls_hostname_verification", "the name in the key server's certificate is not verified: any certificate of server_ca's will do")
	}
}

// password reads client_key_password or client_key_password_file; nil without
// either. False after a fault.
func (r *reader) password() (*secret.Bytes, bool) {
	faults := len(r.Faults)
	inline, hasInline := r.Text("client_key_password")
	file, hasFile := r.Text("client_key_password_file")
	hasInline = hasInline && inline != ""
	hasFile = hasFile && strings.TrimSpace(file) != ""
	switch {
	case len(r.Faults) > faults:
		return nil, false
	case hasInline && hasFile:
		r.Fault("client_key_password", "client_key_password_file is set, too", "Keep one of the two.", nil)
		return nil, false
	case hasInline:
		if mode, ok := config.ModeOf(r.File); ok && mode&0o004 != 0 {
			r.Warn("client_key_password", "everyone on this host can read the file it stands in; chmod o-r "+r.File)
		}
		// encoding/json's string stays in the heap until the collector takes it;
		// who minds that uses client_key_password_file.
		return secret.Copy([]byte(inline)), true
	case hasFile:
		return r.passwordFile(file)
	}
	return nil, true
}
