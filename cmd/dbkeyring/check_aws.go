package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// checkedKey is a key of AWS KMS.
type checkedKey struct {
	Key       string   `json:"key"` // as it is configured
	ARN       string   `json:"arn,omitempty"`
	State     string   `json:"state,omitempty"`
	Permitted []string `json:"permitted,omitempty"`
	Refused   []string `json:"refused,omitempty"`
	Error     string   `json:"error,omitempty"`

	findings []finding
}

// permissions is the last column of the table.
func (k checkedKey) permissions() string {
	if len(k.Refused) > 0 {
		return "no " + strings.Join(k.Refused, ", ")
	}
	return strings.Join(k.Permitted, ", ")
}

// componentKMS reads the configuration as the component itself does.
func (k *checkup) componentKMS(cnf string, s mysqlServer) {
	o := config.Object{Reader: config.Reader{File: cnf}}
	local := o.Load("") && o.Boolean("read_local_config", false)
	o.Wipe()
	if local && s.datadir == "" {
		k.noDatadir(cnf)
		return
	}
	options, report, err := perconakms.Read(s.pluginDir, s.datadir, "")
	defer options.Wipe()
	k.what("%s: %s", anyconf.PerconaKMS, report.File)
	k.warnings(report.Warnings)
	if err != nil {
		k.faults(err)
		return
	}
	k.aws(&anyconf.Conf{Kind: anyconf.PerconaKMS, Path: report.File, KMS: &options})
}

// aws checks a keyring whose keys AWS KMS encrypts.
func (k *checkup) aws(c *anyconf.Conf) {
	var o awskms.Options
	var keys []string
	needed := []awskms.Operation{awskms.OpDecrypt}
	if c.KMS != nil {
		o, keys = c.KMS.AWS, c.KMS.Keys
		if !c.ReadOnly() {
			needed = append(needed, awskms.OpEncrypt)
		}
	} else {
		o = c.AWS.AWS
		if c.AWS.KeyID != "" {
			keys = []string{c.AWS.KeyID}
		}
		needed = append(needed, awskms.OpEncrypt, awskms.OpGenerate, awskms.OpReEncrypt)
		k.file(c.AWS.ConfFile)
	}
	k.file(c.Path)
	if len(keys) == 0 {
		k.find(finding{Level: levelWarn, Option: keyringaws.VariableKey, Problem: keyringaws.VariableKey + " is not set: no key can be made or stored", Cure: "Set it to the ARN of a KMS key."})
	}
	if k.kmsKeys(o, keys, needed) {
		k.dataFile(c)
	}
}

// kmsKeys looks at KMS keys, and tries each operation that is needed without doing it.
// It returns whether AWS KMS answered and took the credentials.
func (k *checkup) kmsKeys(o awskms.Options, keys []string, needed []awskms.Operation) bool {
	if o.Timeout == 0 || o.Timeout > k.cmd.Timeout {
		o.Timeout = k.cmd.Timeout
	}
	client, err := awskms.New(k.p.ctx, o)
	if err != nil {
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return false
	}
	defer client.Close()
	found := make([]checkedKey, len(keys))
	var group errgroup.Group
	for i, key := range keys {
		group.Go(func() error {
			found[i] = checkKey(k.p.ctx, client, key, needed)
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	good := true
	for _, f := range found {
		good = good && len(f.findings) == 0
		k.Findings = append(k.Findings, f.findings...)
	}
	k.Keys = append(k.Keys, found...)
	return good
}

// checkKey looks at one KMS key.
func checkKey(ctx context.Context, client *awskms.Client, key string, needed []awskms.Operation) checkedKey {
	c := checkedKey{Key: key}
	fail := func(err error) {
		c.Error = err.Error()
		c.findings = append(c.findings, finding{Level: levelFail, Problem: err.Error()})
	}
	if d, err := client.Describe(ctx, key); err == nil {
		c.ARN, c.State = d.ARN, d.State
	}
	if _, err := client.Check(ctx, key, needed[0]); err != nil {
		fail(err)
		return c // none of the operations would be permitted
	}
	for _, op := range needed {
		err := client.Permitted(ctx, key, op)
		switch {
		case err == nil:
			c.Permitted = append(c.Permitted, string(op))
		case errors.Is(err, keyring.ErrDenied):
			c.Refused = append(c.Refused, string(op))
			fail(err)
		default:
			fail(err)
			return c
		}
	}
	return c
}

// aws checks keyring_aws's variables, and all that they lead to.
func (c *myCnf) aws(plugins []string) {
	loaded := slices.Contains(plugins, keyringaws.Plugin)
	settings, set := keyringaws.SettingsOf(c.options)
	if !loaded {
		for _, name := range keyringaws.Variables() {
			o, ok := c.options.Last(name)
			switch {
			case ok && o.Loose:
				c.find(levelWarn, o, "keyring_aws is not loaded", "Write early-plugin-load=keyring_aws.so.")
			case ok:
				c.find(levelFail, o, "keyring_aws is not loaded, so that the server does not know this variable and does not start", "Write early-plugin-load=keyring_aws.so.")
			}
		}
	}
	if !loaded && !set {
		return
	}
	options, report, err := keyringaws.ReadSettings(settings, c.k.base)
	defer options.Wipe()
	c.k.what("%s: %s", anyconf.KeyringAWS, fmt.Sprintf("%s, %s", options.ConfFile, options.DataFile))
	c.k.warnings(report.Warnings)
	if err != nil {
		c.k.faults(err)
		return
	}
	c.k.aws(&anyconf.Conf{Kind: anyconf.KeyringAWS, Path: c.file, AWS: &options})
}
