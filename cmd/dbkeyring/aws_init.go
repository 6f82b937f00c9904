package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
)

type awsInitCmd struct {
	For           string   `required:"" enum:"component,plugin" placeholder:"component|plugin" help:"component: component_keyring_kms. plugin: keyring_aws."`
	Out           string   `required:"" placeholder:"OUT" help:"The folder for the files."`
	KMSKey        []string `name:"kms-key" placeholder:"KEY" help:"The KMS key: its ID, an alias or an ARN. May be repeated with --format dbkeyring."`
	Region        string   `placeholder:"REGION" help:"The region of AWS, where the KMS key is no ARN."`
	AccessKeyFile string   `placeholder:"FILE" help:"A file with the access key ID on its first line and the secret access key on the second; - is standard input. The component does without: then the default chain of AWS counts."`
	Endpoint      string   `placeholder:"URL" help:"Another endpoint of AWS KMS, such as a VPC endpoint's."`
	DataFile      string   `placeholder:"FILE" help:"Where the encrypted keys shall be (default: in /var/lib/mysql-keyring)."`
	Format        string   `enum:"percona,dbkeyring" default:"percona" help:"For the component: how the data file is written (default percona)."`
	InstallDir    string   `placeholder:"DIR" help:"For the plugin: where its configuration file will lie on the server's machine (default: OUT)."`
	Force         bool     `help:"Overwrite files in OUT."`
}

// defaultKMSFile is the component's data file where none is named.
const defaultKMSFile = "/var/lib/mysql-keyring/component_keyring_kms"

// optionFileName is the file with the plugin's lines for my.cnf.
const optionFileName = keyringaws.Plugin + ".cnf"

// Run writes the files.
func (c *awsInitCmd) Run(p *process) error {
	out, err := filepath.Abs(c.Out)
	if err != nil {
		return err
	}
	credentials, err := c.check(p, out)
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	if err := os.MkdirAll(out, keyringaws.DirMode); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if c.For == "component" {
		return c.component(p, out, credentials)
	}
	return c.plugin(p, out, credentials)
}

// files are the names of what is written.
func (c *awsInitCmd) files() []string {
	if c.For == "component" {
		return []string{perconakms.FileName, config.ManifestName}
	}
	return []string{filepath.Base(keyringaws.DefaultConfFile), optionFileName}
}

// component writes the manifest and the configuration of component_keyring_kms.
func (c *awsInitCmd) component(p *process, out string, credentials awskms.Credentials) error {
	s := perconakms.Settings{Path: cmp.Or(c.DataFile, defaultKMSFile), Region: c.Region, Keys: c.KMSKey, Format: kmsfile.Format(c.Format), Endpoint: c.Endpoint, Credentials: credentials}
	if err := perconakms.Write(out, s); err != nil {
		return err
	}
	c.told(p, out)
	return then(p, filepath.Join(out, perconakms.FileName),
		fmt.Sprintf("copy %s to plugin_dir and %s beside mysqld, make the folder of %s for the server's user, and restart the server", perconakms.FileName, config.ManifestName, s.Path))
}

// plugin writes the configuration file of keyring_aws, and the lines for an option file.
func (c *awsInitCmd) plugin(p *process, out string, credentials awskms.Credentials) error {
	name := filepath.Base(keyringaws.DefaultConfFile)
	s := keyringaws.Settings{ConfFile: filepath.Join(cmp.Or(c.InstallDir, out), name), DataFile: c.DataFile, Region: c.Region}
	if len(c.KMSKey) > 0 {
		s.KeyID = c.KMSKey[0]
	}
	if err := keyringaws.WriteConf(filepath.Join(out, name), credentials, c.Endpoint); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(out, optionFileName), s.OptionFile(), 0o644); err != nil {
		return err
	}
	c.told(p, out)
	return then(p, filepath.Join(out, optionFileName),
		fmt.Sprintf("have mysqld read %s (!include, or copy it into its folder of option files), let %s belong to the server's user, and restart the server", optionFileName, s.ConfFile))
}

func (c *awsInitCmd) told(p *process, out string) {
	for _, name := range c.files() {
		fmt.Fprintln(p.stdout, filepath.Join(out, name))
	}
}

// then tells what comes next.
func then(p *process, file, next string) error {
	_, err := fmt.Fprintf(p.stderr, "next: %s. dbkeyring check %s asks AWS KMS whether all is well\n", next, file)
	return err
}
