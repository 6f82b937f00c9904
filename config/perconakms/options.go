package perconakms

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Defaults of our options, in milliseconds.
const (
	defaultTimeout      = 5_000
	defaultStartTimeout = 30_000
)

// statusNames are the status rows: Percona's in its order, then ours.
var statusNames = []string{
	"Data_file", "Read_only", "KeyId",
	"Region", "Format", "Endpoint", "Proxy", "Fips", "Timeout_ms", "Start_timeout_ms", "Credentials",
}

// What the status says where the SDK of AWS decides.
const defaultChain = "default chain"

// finish turns the members into options.
func (r *reader) finish() (Options, Report, error) {
	r.CheckNames(Names(), aliases())
	var o Options
	o.Path = r.dataFile()
	o.ReadOnly = r.Boolean("read_only", false)
	format := r.Choice("format", string(kmsfile.FormatPercona), []string{string(kmsfile.FormatPercona), string(kmsfile.FormatDBKeyring)})
	o.Format = kmsfile.Format(format)
	credentials := r.credentials()
	r.keys(&o, credentials != nil)
	r.reach(&o)
	r.CheckOwner("", r.File)
	if len(r.Faults) > 0 {
		r.Faults.Sort()
		return Options{}, r.Report, r.Faults
	}
	from := defaultChain
	if credentials != nil {
		from = "file"
		c := *credentials
		o.AWS.Credentials = func(context.Context) (awskms.Credentials, error) { return c, nil }
	} else {
		r.Note("auth_key and secret_access_key are not set: the credentials are those of the default chain of AWS (environment, shared files, the machine's role)")
	}
	o.AWS.Cure = r.words(&o, credentials != nil).Cure(o.AWS.Timeout)
	region := o.AWS.Region
	if region == "" {
		region = defaultChain
	}
	for i, v := range []string{
		o.Path, map[bool]string{true: "Yes", false: "No"}[o.ReadOnly], strings.Join(o.Keys, ", "),
		region, format, o.AWS.Endpoint, config.Redacted(o.AWS.Proxy), strconv.FormatBool(o.AWS.FIPS),
		ms(o.AWS.Timeout), ms(o.StartTimeout), from,
	} {
		o.status = append(o.status, keyring.StatusRow{Name: statusNames[i], Value: v})
	}
	return o, r.Report, nil
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// credentials reads the access key; nil without one, or after a fault.
func (r *reader) credentials() *awskms.Credentials {
	const how = "; leave out both for the default chain of AWS"
	faults := len(r.Faults)
	c := awskms.Credentials{AccessKeyID: r.text("auth_key"), SecretAccessKey: r.text("secret_access_key"), SessionToken: r.text("session_token")}
	if mode, ok := config.ModeOf(r.File); ok && mode&0o004 != 0 && c.SecretAccessKey != "" {
		r.Warn("secret_access_key", "everyone on this host can read the file it stands in; chmod o-r "+r.File)
	}
	switch {
	case len(r.Faults) > faults: // one of them is no string
		return nil
	case c == awskms.Credentials{}:
		return nil
	case c.AccessKeyID == "" && c.SecretAccessKey == "":
		r.Fault("session_token", "there is no auth_key and no secret_access_key that it could belong to", "Set these to the temporary credentials' as well.", nil)
		return nil
	case c.AccessKeyID == "":
		r.absent("auth_key", "while secret_access_key is set", "the access key ID of the AWS user"+how)
		return nil
	case c.SecretAccessKey == "":
		r.absent("secret_access_key", "while auth_key is set", "the secret access key of the AWS user"+how)
		return nil
	}
	r.AWSCredentials("auth_key", "secret_access_key", "session_token", c)
	if len(r.Faults) > faults {
		return nil
	}
	return &c
}

// absent records that an option is missing or blank.
func (r *reader) absent(option, why, what string) {
	problem := "it is missing"
	if r.Has(option) {
		problem = "it is blank"
	}
	r.Missing(option, strings.TrimSpace(problem+" "+why), what)
}

// keys reads kms_key and region.
func (r *reader) keys(o *Options, credentials bool) {
	o.AWS.Region = r.AWSRegion("region", r.text("region"))
	texts, ok := r.keyList()
	if !ok {
		return
	}
	if len(texts) > 1 && o.Format != kmsfile.FormatDBKeyring {
		r.Fault("kms_key", fmt.Sprintf("it lists %d KMS keys, and the format \"percona\" holds each key under one", len(texts)),
			`Name one KMS key, or set "format": "dbkeyring".`, nil)
		return
	}
	var regions []string // of those that are ARNs
	faults := len(r.Faults)
	for _, text := range texts {
		id, region, err := awskms.ParseKeyID(text)
		switch {
		case err != nil:
			r.Fault("kms_key", err.Error(), "Set it to a KMS key's ID (a UUID), an alias or an ARN, as the console of AWS KMS shows them.", nil)
			continue
		case slices.Contains(o.Keys, id):
			r.Warn("kms_key", id+" stands in it more than once")
			continue
		case region != "":
			regions = append(regions, region)
		}
		o.Keys = append(o.Keys, id)
	}
	if len(r.Faults) == faults {
		r.region(o, regions, credentials)
	}
}

// region settles the region: that of the first KMS key if it is given as an ARN, else
// the option's, else that of the default chain.
func (r *reader) region(o *Options, ofARNs []string, credentials bool) {
	configured := o.AWS.Region
	all := len(ofARNs) == len(o.Keys)
	if all {
		o.AWS.Region = ofARNs[0]
	}
	switch {
	case configured == "" && !all && credentials:
		r.absent("region", "", "the region of the KMS key, such as eu-central-1, or kms_key to the key's ARN, which names it")
	case configured == "" && !all:
		r.Note("region (%s) is not set: it is that of the default chain of AWS (AWS_REGION, or the profile's)", r.File)
	case configured != "" && all && !slices.Contains(ofARNs, configured):
		r.Warn("region", fmt.Sprintf("it is %s, and kms_key names a key in %s, which is what counts", configured, strings.Join(ofARNs, ", ")))
	}
}

// keyList returns the KMS keys as they are written, without blanks; false after a fault.
func (r *reader) keyList() ([]string, bool) {
	const what = "the KMS key that encrypts the keys: its ID (a UUID), an alias or an ARN"
	m, ok := r.Members["kms_key"]
	if !ok || m.Value[0] != '[' {
		text, ok := r.Required("kms_key", what)
		return []string{strings.TrimSpace(text)}, ok
	}
	var raw []json.RawMessage
	_ = json.Unmarshal(m.Value, &raw) // it has parsed as a list
	var items []string
	for _, v := range raw {
		var text string
		if v[0] != '"' || json.Unmarshal(v, &text) != nil {
			r.Fault("kms_key", "the list has items that are no strings", "Write each KMS key in double quotes.", nil)
			return nil, false
		}
		if text = strings.TrimSpace(text); text != "" {
			items = append(items, text)
		}
	}
	if items == nil {
		r.Missing("kms_key", "it is blank", what)
	}
	return items, items != nil
}

// reach reads how AWS KMS is reached.
func (r *reader) reach(o *Options) {
	o.AWS.Endpoint = r.AWSEndpoint("endpoint", r.text("endpoint"))
	o.AWS.Proxy = r.AWSProxy("proxy", r.text("proxy"))
	o.AWS.FIPS = r.Boolean("fips", false)
	if o.AWS.FIPS && o.AWS.Endpoint != "" {
		r.Fault("fips", "endpoint is set, too, and only AWS's own endpoints can be chosen by it", "Keep one of the two; endpoint may be that of a FIPS endpoint.", nil)
	}
	timeout := r.Integer("timeout_ms", defaultTimeout, math.MaxInt32, "milliseconds")
	start := r.Integer("start_timeout_ms", defaultStartTimeout, math.MaxInt32, "milliseconds")
	if start < timeout {
		r.Warn("start_timeout_ms", fmt.Sprintf("it is %d, less than timeout_ms, %d: the start does not wait that long for an answer", start, timeout))
	}
	o.AWS.Timeout = time.Duration(timeout) * time.Millisecond
	o.StartTimeout = time.Duration(start) * time.Millisecond
}

// words are the names for cures.
func (r *reader) words(o *Options, credentials bool) config.AWSWords {
	w := config.AWSWords{
		Where: "The options are in " + r.File + ".",
		Key:   "kms_key", Region: "region",
		Credentials: "auth_key and secret_access_key", Owner: "the user of auth_key", SessionToken: "session_token",
		Endpoint: config.EndpointWords("endpoint", o.AWS.Endpoint),
		Timeout:  "timeout_ms", Data: o.Path,
	}
	if o.AWS.Proxy != "" {
		w.Proxy = config.EndpointWords("proxy", o.AWS.Proxy)
	}
	if !credentials {
		w.Credentials = "the credentials of the default chain of AWS (environment, shared files, the machine's role), or set auth_key and secret_access_key"
		w.Owner, w.SessionToken = "the user or role of the default chain of AWS", "the session token"
	}
	return w
}
