package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
)

type rootKeyRotateCmd struct {
	To             string `enum:"file,passphrase,aws-kms,kmip," default:"" placeholder:"KIND" help:"file, passphrase, aws-kms or kmip (default: the kind that it is)."`
	File           string `placeholder:"PATH" help:"With file: where it shall lie (default: beside the store)."`
	PassphraseFile string `name:"passphrase-file" placeholder:"FILE" help:"With passphrase: a file that has the new one (default: asked for)."`
	KMSKey         string `name:"kms-key" placeholder:"KEY" help:"With aws-kms: ARN, ID or alias of a symmetric KMS key."`
	Region         string `placeholder:"REGION" help:"With aws-kms: the region (default: that of the ARN, or of the AWS configuration)."`
	KMSEndpoint    string `name:"kms-endpoint" placeholder:"URL" help:"With aws-kms: another endpoint of AWS KMS."`
	KMIPKey        string `name:"kmip-key" placeholder:"ID" help:"With kmip: the Unique Identifier of an AES key of 256 bits."`
	KMIPConfig     string `name:"kmip-config" placeholder:"PATH" xor:"how" help:"With kmip: a configuration that names server and certificates: component_keyring_kmip.cnf, or a keyring_okv folder."`
	Server         string `placeholder:"ADDR" xor:"how" help:"With kmip: the server, HOST or HOST:PORT; then --cert, --key and --ca are needed, too."`
	Cert           string `placeholder:"FILE" and:"pem" help:"The client's certificate (PEM)."`
	Key            string `placeholder:"FILE" and:"pem" help:"The client's private key (PEM)."`
	CA             string `name:"ca" placeholder:"FILE" and:"pem" help:"The CA certificates that the server's must chain to (PEM)."`
	dataFlag       `embed:""`
}

// Help is the long help.
func (rootKeyRotateCmd) Help() string {
	return "The server opens the new root key itself, with its own user's files and AWS credentials, before the old one is let go. " +
		"Clients are served meanwhile. Afterwards the old root key opens nothing; a file that had it is removed."
}

// Run changes the root key.
func (c *rootKeyRotateCmd) Run(p *process) error {
	return withService(p, c.Data, func(s admin.Service) error {
		now, err := s.RootKey(p.ctx)
		if err != nil {
			return err
		}
		ask, err := c.request(p, now.Settings)
		if err != nil {
			return err
		}
		defer ask.Phrase.Wipe()
		done, err := s.RotateRootKey(p.ctx, ask)
		if err != nil {
			return explainRootKey(err)
		}
		if err := printRootKey(p, done.RootKey); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "values encrypted anew: %d\n", done.Values)
		return err
	})
}

// request brings the options together with the root key that there is.
func (c *rootKeyRotateCmd) request(p *process, now rootkey.Settings) (ask admin.RotateRequest, err error) {
	kind := rootkey.Kind(c.To)
	if kind == "" {
		kind = now.Kind
	}
	if err := c.onlyOf(kind); err != nil {
		return ask, &failed{err: err, code: exitUsage}
	}
	ask.Root.Kind = kind
	same := kind == now.Kind
	switch kind {
	case rootkey.KindFile:
		if ask.Root.File, err = absoluteIfAny(c.File); same && c.File == "" {
			ask.Root.File = now.File
		}
	case rootkey.KindPassPhrase:
		ask.Phrase, err = newRootPhrase(c.PassphraseFile).read(p, true)
	case rootkey.KindAWSKMS:
		switch {
		case c.KMSKey != "":
			ask.Root.AWSKMS = &rootkey.AWSKMS{Key: c.KMSKey, Region: c.Region, Endpoint: c.KMSEndpoint}
		case same:
			ask.Root.AWSKMS = now.AWSKMS // the same key, and other data keys
		default:
			err = errors.New("--to aws-kms needs --kms-key")
		}
	case rootkey.KindKMIP:
		if c.KMIPKey == "" || c.KMIPConfig == "" && (c.Server == "" || c.Cert == "") {
			err = errors.New("--to kmip needs --kmip-key, and --kmip-config or --server with --cert, --key and --ca")
			break
		}
		k := &rootkey.KMIP{Key: c.KMIPKey, Server: c.Server}
		for _, path := range []struct {
			from string
			to   *string
		}{{c.KMIPConfig, &k.Config}, {c.Cert, &k.Cert}, {c.Key, &k.KeyFile}, {c.CA, &k.CA}} {
			var e error
			*path.to, e = absoluteIfAny(path.from)
			err = errors.Join(err, e)
		}
		ask.Root.KMIP = k
	}
	if err != nil {
		return ask, usageError(err)
	}
	return ask, nil
}

// usageError is an error of the command line, unless it is one with a code already.
func usageError(err error) error {
	if f := (*failed)(nil); errors.As(err, &f) {
		return err
	}
	return &failed{err: err, code: exitUsage}
}

// onlyOf refuses options of another kind of root key.
func (c *rootKeyRotateCmd) onlyOf(kind rootkey.Kind) error {
	var faults []error
	for _, o := range []struct {
		name, value string
		kind        rootkey.Kind
	}{
		{"--file", c.File, rootkey.KindFile}, {"--passphrase-file", c.PassphraseFile, rootkey.KindPassPhrase},
		{"--kms-key", c.KMSKey, rootkey.KindAWSKMS}, {"--region", c.Region, rootkey.KindAWSKMS}, {"--kms-endpoint", c.KMSEndpoint, rootkey.KindAWSKMS},
		{"--kmip-key", c.KMIPKey, rootkey.KindKMIP}, {"--kmip-config", c.KMIPConfig, rootkey.KindKMIP}, {"--server", c.Server, rootkey.KindKMIP}, {"--cert", c.Cert, rootkey.KindKMIP},
	} {
		if o.value != "" && o.kind != kind {
			faults = append(faults, fmt.Errorf("%s goes with --to %s, and the root key is to be of the kind %s", o.name, o.kind, kind))
		}
	}
	return errors.Join(faults...)
}

// absoluteIfAny makes a path independent of where this command runs.
func absoluteIfAny(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
