package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

type awsRotateKeysCmd struct {
	File   string   `arg:"" placeholder:"FILE" help:"component_keyring_kms.cnf."`
	KMSKey []string `name:"kms-key" placeholder:"KEY" help:"The KMS key to encrypt under from now on; FILE is changed to name it. Default: that of FILE. May be repeated with the format dbkeyring."`
	Yes    bool     `help:"Do not ask."`
}

// Run has every key encrypted anew, all or none, and then names the KMS key in the
// configuration. In between, and if it is interrupted there, the component reads the
// keys with the old configuration as well: Decrypt needs no KMS key's name.
func (c *awsRotateKeysCmd) Run(p *process) error {
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	o, report, err := perconakms.ReadFile(c.File, config.CurrentBase())
	for _, w := range report.Warnings {
		fmt.Fprintf(p.stderr, "warning: %s\n", w)
	}
	if err == nil {
		err = c.target(ctx, &o)
	}
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	defer o.Wipe()
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ring, err := kmsfile.Open(ctx, o.Options, log)
	if err != nil {
		return migrateError(err)
	}
	defer ring.Close()
	ids, err := ring.List(ctx)
	if err != nil {
		return migrateError(err)
	}
	if len(ids) > 0 {
		if err := confirm(p, c.Yes, fmt.Sprintf("Have AWS KMS encrypt the %d keys of %s anew, under %s?", len(ids), o.Path, strings.Join(o.Keys, ", "))); err != nil {
			return err
		}
		if err := c.rewrap(ctx, p, ring); err != nil {
			return err
		}
	}
	fmt.Fprintf(p.stdout, "%d keys of %s are encrypted anew, under %s\n", len(ids), o.Path, strings.Join(o.Keys, ", "))
	return c.rename(p)
}

// target puts the KMS keys that are wanted in the place of the configured ones.
func (c *awsRotateKeysCmd) target(ctx context.Context, o *perconakms.Options) error {
	if o.ReadOnly {
		return fmt.Errorf("read_only (%s): it is true: nothing can be changed. Set it to false", c.File)
	}
	if len(c.KMSKey) == 0 {
		return nil
	}
	if len(c.KMSKey) > 1 && o.Format != kmsfile.FormatDBKeyring {
		return errors.New(`--kms-key: several KMS keys need "format": "dbkeyring": in Percona's format a key is encrypted once`)
	}
	old := regionsOf(o.Keys, o.AWS.Region)
	var keys []string
	for _, text := range c.KMSKey {
		id, region, err := awskms.ParseKeyID(text)
		if err != nil {
			return fmt.Errorf("--kms-key: %w", err)
		}
		if region == "" && !c.namesRegion(o.AWS.Region) {
			return fmt.Errorf("--kms-key %s: %s takes the region, %s, from the ARN of the present KMS key, and this is no ARN. Give the ARN", text, c.File, o.AWS.Region)
		}
		keys = append(keys, id)
	}
	now := regionsOf(keys, o.AWS.Region)
	if o.Format != kmsfile.FormatDBKeyring && old[0] == "" && now[0] != "" {
		old[0] = regionByDefault(ctx, o, now[0])
	}
	if o.Format != kmsfile.FormatDBKeyring && now[0] != old[0] {
		return fmt.Errorf("--kms-key: it is in the region %s, and the keys are in %s, where AWS KMS has to decrypt them. "+
			"Write a second configuration with the new KMS key and another path, and run: dbkeyring migrate", now[0], old[0])
	}
	o.Keys = keys
	return nil
}

// namesRegion says whether FILE says by itself that this is the region.
func (c *awsRotateKeysCmd) namesRegion(region string) bool {
	f, ok := config.OpenFile(config.Reader{File: c.File})
	if !ok {
		return false
	}
	defer f.Wipe()
	text, _ := f.Text("region")
	return strings.TrimSpace(text) == region
}

// regionByDefault asks AWS KMS for the region of a KMS key that is named without one. If
// that is not to be known, decrypting tells.
func regionByDefault(ctx context.Context, o *perconakms.Options, otherwise string) string {
	client, err := awskms.New(ctx, o.AWS)
	if err != nil {
		return otherwise
	}
	defer client.Close()
	k, err := client.Describe(ctx, o.Keys[0])
	if err != nil {
		return otherwise
	}
	return regionsOf([]string{k.ARN}, otherwise)[0]
}

// regionsOf returns the regions of KMS keys, and the other one for those without.
func regionsOf(keys []string, other string) (regions []string) {
	for _, key := range keys {
		_, region, err := awskms.ParseKeyID(key)
		if err != nil || region == "" {
			region = other
		}
		regions = append(regions, region)
	}
	return regions
}

// rewrap does the work, with a bar.
func (c *awsRotateKeysCmd) rewrap(ctx context.Context, p *process, ring keyring.Rewrapper) error {
	bar := p.bar("encrypting")
	defer bar.end()
	if err := ring.Rewrap(ctx, bar.show); err != nil {
		return &failed{err: fmt.Errorf("the keys are not encrypted anew: %w", err),
			hint: "all of them can be read as before. Once that is mended, run the same again: what was encrypted already is not asked for again", code: exitOf(err)}
	}
	return nil
}

func exitOf(err error) int {
	if isOutage(err) {
		return exitUnreachable
	}
	return exitFailed
}

// rename writes the KMS keys into the configuration file.
func (c *awsRotateKeysCmd) rename(p *process) error {
	next := "ALTER INSTANCE RELOAD KEYRING in the server that uses the file"
	if len(c.KMSKey) > 0 {
		changed, err := perconakms.SetKeys(c.File, c.KMSKey)
		if err != nil {
			return &failed{err: fmt.Errorf("the keys are encrypted under the new KMS key, and %s still names the old one: %w", c.File, err),
				hint: `set "kms_key" in it to ` + strings.Join(c.KMSKey, ", ") + ", or run the same again"}
		}
		if changed {
			fmt.Fprintf(p.stdout, "%s names it now\n", c.File)
		}
		next += ", so that its new keys are encrypted under it, too. Keep the old KMS key while backups need it"
	}
	_, err := fmt.Fprintf(p.stderr, "next: %s\n", next)
	return err
}
