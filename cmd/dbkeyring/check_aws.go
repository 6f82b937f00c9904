package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

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
	Region    string   `json:"region,omitempty"` // "" is the default chain's
	State     string   `json:"state,omitempty"`
	Permitted []string `json:"permitted,omitempty"`
	Refused   []string `json:"refused,omitempty"`
	OnDemand  *int     `json:"rotations_on_demand,omitempty"` // that are used
	Error     string   `json:"error,omitempty"`

	described, managed bool // by AWS
	findings           []finding
}

// decrypts says whether keys can be read with it.
func (k checkedKey) decrypts() bool { return slices.Contains(k.Permitted, string(awskms.OpDecrypt)) }

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
	needed := []awskms.Operation{awskms.OpDecrypt}
	if c.KMS != nil {
		if !c.ReadOnly() {
			needed = append(needed, awskms.OpEncrypt)
		}
		c.KMS.AWS.Timeout = k.within(c.KMS.AWS.Timeout)
	} else {
		needed = append(needed, awskms.OpEncrypt, awskms.OpGenerate, awskms.OpReEncrypt)
		c.AWS.AWS.Timeout = k.within(c.AWS.AWS.Timeout)
		k.file(c.AWS.ConfFile)
	}
	k.file(c.Path)
	o, keys, _ := c.KMSKeys()
	if len(keys) == 0 {
		k.find(finding{Level: levelWarn, Option: keyringaws.VariableKey, File: c.Path, Problem: "it is not set: no key can be made or stored", Cure: "Set it to the ARN of a KMS key."})
	}
	found := k.kmsKeys(o, keys, needed, c.AWS != nil)
	// With several KMS keys, each decrypts all.
	k.dataFile(c, len(keys) == 0 || slices.ContainsFunc(found, checkedKey.decrypts))
}

// within is a limit of the configuration, or check's own if that one is shorter.
func (k *checkup) within(configured time.Duration) time.Duration {
	if configured == 0 || configured > k.cmd.Timeout {
		return k.cmd.Timeout
	}
	return configured
}

// kmsKeys looks at KMS keys, and tries each operation that is needed without doing it;
// with rotates, whether they can be rotated, too.
func (k *checkup) kmsKeys(o awskms.Options, keys []string, needed []awskms.Operation, rotates bool) []checkedKey {
	if len(keys) == 0 {
		return nil
	}
	client, err := awskms.New(k.p.ctx, o)
	if err != nil {
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return nil
	}
	defer client.Close()
	found := make([]checkedKey, len(keys))
	var group errgroup.Group
	for i, key := range keys {
		group.Go(func() error {
			c := &found[i]
			c.Key, c.Region = key, o.Region
			c.try(k.p.ctx, client, needed)
			if rotates && c.described {
				c.rotations(k.p.ctx, client)
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	for _, c := range found {
		k.Findings = append(k.Findings, c.findings...)
		if c.OnDemand != nil {
			k.what("%d of %d rotations on demand used by %s; whether another is permitted shows only when it is asked for", *c.OnDemand, awskms.MaxOnDemandRotations, c.ARN)
		}
	}
	k.Keys = append(k.Keys, found...)
	return found
}

// try looks at the KMS key, and at what it may be used for.
func (c *checkedKey) try(ctx context.Context, client *awskms.Client, needed []awskms.Operation) {
	d, err := client.Describe(ctx, c.Key)
	if err == nil {
		c.described, c.managed = true, d.Manager == "AWS"
		c.ARN, c.State = d.ARN, d.State
	}
	if _, region, err := awskms.ParseKeyID(cmp.Or(c.ARN, c.Key)); err == nil && region != "" {
		c.Region = region
	}
	if !isOutage(err) { // else there is no use in asking again
		_, err = client.Check(ctx, c.Key, needed[0])
	}
	if err != nil {
		c.fail(err)
		return // none of the operations would be permitted
	}
	for _, op := range needed {
		err := client.Permitted(ctx, c.Key, op)
		switch {
		case err == nil:
			c.Permitted = append(c.Permitted, string(op))
		case errors.Is(err, keyring.ErrDenied):
			c.Refused = append(c.Refused, string(op))
			c.fail(err)
		default:
			c.fail(err)
			return
		}
	}
}

func (c *checkedKey) fail(err error) {
	c.Error = err.Error()
	c.findings = append(c.findings, finding{Level: levelFail, Problem: err.Error()})
}

// rotations finds out what can be told of keyring_aws_rotate_cmk() without calling it:
// for RotateKeyOnDemand there is no dry run.
func (c *checkedKey) rotations(ctx context.Context, client *awskms.Client) {
	const function = "keyring_aws_rotate_cmk()"
	if c.managed {
		c.findings = append(c.findings, finding{Level: levelWarn, Problem: "KMS key " + c.ARN + ": it is managed by AWS, and so " + function + " cannot rotate it", Cure: "Make a KMS key of your own, if it shall be rotated on demand."})
		return
	}
	n, err := client.Rotations(ctx, c.ARN)
	switch {
	case err != nil:
		c.findings = append(c.findings, finding{Level: levelNote, Problem: "how many rotations on demand are left for " + function + " is not known: " + err.Error()})
		return
	case n >= awskms.MaxOnDemandRotations:
		c.findings = append(c.findings, finding{Level: levelWarn, Problem: "KMS key " + c.ARN + ": all its rotations on demand are used up, and so AWS KMS will refuse " + function,
			Cure: "Set " + keyringaws.VariableKey + " to a new KMS key, and call keyring_aws_rotate_keys()."})
	}
	c.OnDemand = &n
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
	files := report.File // with faults, the file with the access key is what is known
	if err == nil {
		files += ", " + options.DataFile
	}
	c.k.what("%s: %s", anyconf.KeyringAWS, files)
	c.k.warnings(report.Warnings)
	if err != nil {
		c.k.faults(err)
		return
	}
	c.k.aws(&anyconf.Conf{Kind: anyconf.KeyringAWS, Path: c.file, AWS: &options})
}
