package mongod

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The defaults: the document's, or Percona's where it has none.
const (
	defaultPort    = 5696
	defaultRetries = 0
	defaultTimeout = 5000 // milliseconds
	leastTimeout   = 1000
	defaultPolling = 900 // seconds
	actionShutdown = "shutdown"
	actionLog      = "log"

	defaultDBPath       = "/data/db"
	defaultConfigDBPath = "/data/configdb" // of a config server
	wiredTiger          = "wiredTiger"
)

// finish turns what is set into options.
func (r *reader) finish() (Options, Report, error) {
	o := Options{EngineConfig: r.text(engineConfig)}
	// Where a fault leaves it open, the rest is looked at as if there were encryption.
	o.Enabled = r.boolean(enableEncryption, r.has(enableEncryption) || slices.ContainsFunc(places(), r.has))
	o.Cipher = blockcipher.Mode(r.choice(cipherMode, string(blockcipher.GCM), string(blockcipher.GCM), string(blockcipher.CBC)))
	o.DBPath = r.dbPath(o.Enabled)
	r.DataDir = o.DBPath
	if !r.unknown {
		r.demands()
	}
	r.conflicts()
	relaxed := r.boolean(relaxPermChecks, false)
	if o.Enabled {
		r.place()
		if e := r.text(engine); e != "" && e != wiredTiger {
			r.fault(engine, fmt.Sprintf("it is %q, and only the storage engine wiredTiger can be encrypted", shorten(e)), "Set it to wiredTiger, or remove it.", nil)
		}
	}
	r.keyFile(&o, relaxed)
	r.kmip(&o)
	r.awsKMS(&o)
	r.rights(o.Enabled)
	if len(r.Faults) > 0 {
		o.Wipe()
		r.Faults.Sort()
		return Options{}, r.Report, r.Faults
	}
	if !o.Enabled {
		o.Wipe()
		return Options{DBPath: o.DBPath, Cipher: o.Cipher, EngineConfig: o.EngineConfig}, r.Report, nil
	}
	if o.KMIP != nil {
		o.KMIP.Cure = cure(r.whereOptionsAre(), *o.KMIP)
	}
	if o.AWSKMS != nil {
		o.AWSKMS.AWS.Cure = r.awsWords(&o).Cure(o.AWSKMS.AWS.Timeout)
	}
	return o, r.Report, nil
}

// dbPath is the data directory, which mongod takes in the current one.
func (r *reader) dbPath(enabled bool) string {
	text, ok := r.required(dbPath, "the data directory")
	switch {
	case ok:
		return absolute(r.Base, text)
	case r.has(dbPath): // of which a fault tells
		return ""
	}
	otherwise := defaultDBPath
	if r.text(clusterRole) == "configsvr" {
		otherwise = defaultConfigDBPath
	}
	if enabled {
		r.Note("%s is not set: it is mongod's default, %s", title(dbPath), otherwise)
	}
	return otherwise
}

// demands looks for options that others need. The first that needs one stands for the rest.
func (r *reader) demands() {
	missing := map[string][]string{}
	var order []string
	for _, o := range table() {
		if !r.has(o.name) {
			continue
		}
		for _, need := range o.requires {
			if !r.has(need) {
				if missing[need] == nil {
					order = append(order, need)
				}
				missing[need] = append(missing[need], o.name)
			}
		}
	}
	for _, need := range order {
		names := missing[need]
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(r.set[a].line, r.set[b].line) })
		problem := "it needs " + both(need) + ", which is not set"
		switch len(names) {
		case 1:
		case 2:
			problem += "; so does " + names[1]
		default:
			problem += "; so do " + strings.Join(names[1:], ", ")
		}
		value := need + " as well"
		if need == enableEncryption {
			value = need + ": true (--enableEncryption)"
		}
		r.fault(names[0], problem, "Set "+value+", or remove this.", nil)
	}
}

// conflicts looks for options that exclude each other.
func (r *reader) conflicts() {
	for _, o := range table() {
		for _, other := range o.conflicts {
			if !r.has(o.name) || !r.has(other) {
				continue
			}
			at, not := o.name, other
			if r.set[at].line < r.set[not].line {
				at, not = not, at
			}
			where := "on the " + commandLine
			if line := r.set[not].line; line > 0 {
				where = fmt.Sprintf("in line %d", line)
			}
			r.fault(at, fmt.Sprintf("%s is set, too, %s, and there is one place for the master key", both(not), where), "Keep one of the two.", nil)
		}
	}
}

// places are the options that say where the master key is kept.
func places() []string { return []string{keyFile, kmipServer, awsKey} }

// place wants one place for the master key. Other options of a place have faults of their
// own if there is none.
func (r *reader) place() {
	for name := range r.set {
		if slices.Contains(places(), name) || strings.HasPrefix(name, kmipSection+".") || strings.HasPrefix(name, awsSection+".") {
			return
		}
	}
	if r.hasVault || r.unknown {
		return
	}
	r.fault(enableEncryption, "nothing says where the master key is kept", "Set "+both(kmipServer)+" for a KMIP server, "+both(awsKey)+" for AWS KMS, or "+both(keyFile)+".", nil)
}

// kmip reads the section kmip.
func (r *reader) kmip(o *Options) {
	k := &kmip.Options{Servers: r.servers(r.port())}
	k.Attempts = r.integer(kmipRetries, defaultRetries, 0, "attempts after the first") + 1
	k.Timeout = time.Duration(r.integer(kmipTimeout, defaultTimeout, leastTimeout, "milliseconds")) * time.Millisecond
	k.ServerCreates = r.boolean(kmipServerMakes, false)
	rotate := r.boolean(kmipRotate, false)
	activate := r.boolean(kmipActivate, true)
	polling := max(r.integer(kmipPolling, defaultPolling, math.MinInt32, "seconds"), 0)
	logOnly := r.choice(kmipPollingDoes, actionShutdown, actionShutdown, actionLog) == actionLog
	if r.boolean(kmipLegacy, false) {
		r.warn(kmipLegacy, "it has no effect, as in Percona Server for MongoDB; remove it")
	}
	if !activate && polling > 0 && r.has(kmipPolling) {
		r.warn(kmipPolling, "it has no effect while "+both(kmipActivate)+" is false: the key's state does not count")
	}
	if !r.has(kmipServer) {
		return
	}
	if !o.Enabled {
		if r.has(enableEncryption) {
			r.warn(enableEncryption, "encryption is off, and the options of "+kmipSection+" have no effect")
		}
		return
	}
	if p := r.text(kmipPassword); p != "" {
		k.Password = secret.Copy([]byte(p))
	}
	r.pemFiles(k)
	o.KMIP = k
	o.KeyIdentifier = r.text(kmipKey)
	o.Rotate, o.Activate, o.LogOnly = rotate, activate, logOnly
	if activate {
		o.PollPeriod = time.Duration(polling) * time.Second
	}
}

// port reads kmip.port.
func (r *reader) port() string {
	s, ok := r.set[kmipPort]
	n := defaultPort
	if ok && !s.broken {
		port, err := config.ParsePort(s.text)
		problem := "it is blank"
		if err != nil && s.text != "" {
			problem = err.Error()
		}
		switch {
		case err != nil:
			r.fault(kmipPort, problem, fmt.Sprintf("Set it to the KMIP server's port; the default is %d.", defaultPort), nil)
		case s.quoted:
			r.warn(kmipPort, fmt.Sprintf("the string %q is taken for a number; write it without quotes", s.text))
		}
		if err == nil {
			n = port
		}
	}
	return fmt.Sprint(n)
}

// servers reads kmip.serverName.
func (r *reader) servers(port string) []string {
	const what = "the KMIP server's host, or several with commas between them: kmip1.example.com,kmip2.example.com"
	text, ok := r.required(kmipServer, what)
	if !ok {
		return nil
	}
	var servers []string
	blank := 0
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			blank++
			continue
		}
		server, err := config.ParseServer(item, port)
		switch {
		case err != nil:
			r.fault(kmipServer, err.Error(), "Write a host, host:port or [IPv6 address]:port, several with commas between them.", nil)
		case slices.Contains(servers, server):
			r.warn(kmipServer, server+" stands in it more than once; it is tried once")
		default:
			servers = append(servers, server)
		}
	}
	switch {
	case blank > 0 && strings.Trim(text, ", \t") == "":
		r.fault(kmipServer, "it is blank", "Set it to "+what+".", nil)
	case blank > 0:
		r.warn(kmipServer, "one of its commas has no server beside it and is ignored")
	}
	return servers
}

// whereOptionsAre ends cures.
func (r *reader) whereOptionsAre() string {
	switch {
	case r.File == "":
		return "The options are on the command line."
	case r.args:
		return "The options are in " + r.File + " and on the command line."
	}
	return "The options are in " + r.File + "."
}
