package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/secret"
)

// faultList collects what is wrong, so that it is told at once.
type faultList []error

func (f *faultList) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// check finds everything that is wrong before a file is written, and reads the access key.
func (c *awsInitCmd) check(p *process, out string) (awskms.Credentials, error) {
	var faults faultList
	c.checkKeys(&faults)
	if c.For == "component" {
		c.checkComponent(&faults)
	} else {
		c.checkPlugin(&faults)
	}
	for _, f := range [][2]string{{"--data-file", c.DataFile}, {"--install-dir", c.InstallDir}} {
		if f[1] != "" && !filepath.IsAbs(f[1]) {
			faults.add("%s %s: give an absolute path, since it is looked up on the server's machine", f[0], f[1])
		}
	}
	r := config.Reader{}
	c.Region, c.Endpoint = r.AWSRegion("--region", c.Region), r.AWSEndpoint("--endpoint", c.Endpoint)
	for _, f := range r.Faults {
		faults = append(faults, f)
	}
	for _, w := range r.Report.Warnings {
		fmt.Fprintf(p.stderr, "warning: %s\n", w)
	}
	credentials, err := c.credentials(p.stdin)
	if err != nil {
		faults.add("--access-key-file: %w", err)
	}
	c.checkOut(&faults, out)
	return credentials, errors.Join(faults...)
}

// checkKeys looks at --kms-key.
func (c *awsInitCmd) checkKeys(faults *faultList) {
	named := true // each of them names its region
	for _, key := range c.KMSKey {
		_, region, err := awskms.ParseKeyID(key)
		if err != nil {
			faults.add("--kms-key: %w", err)
		}
		named = named && (region != "" || err != nil)
	}
	if c.For == "component" && c.AccessKeyFile != "" && c.Region == "" && !named {
		faults.add("--region is missing: only the ARN of a KMS key names the region. Give it, or the ARN")
	}
}

func (c *awsInitCmd) checkComponent(faults *faultList) {
	switch {
	case len(c.KMSKey) == 0:
		faults.add("--kms-key is missing: name the KMS key that is to encrypt the keys")
	case len(c.KMSKey) > 1 && c.Format != string(kmsfile.FormatDBKeyring):
		faults.add("--kms-key: several KMS keys need --format dbkeyring: in Percona's format a key is encrypted once")
	}
	if c.InstallDir != "" {
		faults.add("--install-dir goes with --for plugin: the component's files name no other place")
	}
}

func (c *awsInitCmd) checkPlugin(faults *faultList) {
	if len(c.KMSKey) > 1 {
		faults.add("--kms-key: keyring_aws has one KMS key")
	}
	if c.AccessKeyFile == "" {
		faults.add("--access-key-file is missing: keyring_aws does not start without an access key")
	}
	if c.Format != string(kmsfile.FormatPercona) {
		faults.add("--format goes with --for component")
	}
}

// maxAccessKey is longer than an access key of AWS with its session token.
const maxAccessKey = 64 << 10

// credentials reads the access key. It is never on the command line, which everybody on
// the host can see.
func (c *awsInitCmd) credentials(stdin io.Reader) (awskms.Credentials, error) {
	switch c.AccessKeyFile {
	case "":
		return awskms.Credentials{}, nil
	case "-":
		text, err := io.ReadAll(io.LimitReader(stdin, maxAccessKey))
		defer secret.Wipe(text)
		if err != nil {
			return awskms.Credentials{}, err
		}
		return keyringaws.ParseCredentials("standard input", text)
	}
	return keyringaws.ReadCredentials(c.AccessKeyFile)
}

// checkOut looks at what is in OUT already.
func (c *awsInitCmd) checkOut(faults *faultList, out string) {
	var there []string
	for _, name := range c.files() {
		if _, err := os.Lstat(filepath.Join(out, name)); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, name)
		}
	}
	if there != nil && !c.Force {
		faults.add("--out %s: there already: %s; choose another folder, or overwrite them with --force", c.Out, strings.Join(there, ", "))
		return
	}
	if manifest := filepath.Join(out, config.ManifestName); c.For == "component" && isOtherManifest(manifest) {
		faults.add("--force: %s is another one than that of %s, and is never overwritten: a server would start without its keyring. "+
			"Choose another --out, or take the file away once its keys are copied (dbkeyring migrate)", manifest, perconakms.Component)
	}
}

// isOtherManifest says whether a file is a manifest that names something else.
func isOtherManifest(file string) bool {
	o, ok := config.OpenFile(config.Reader{File: file})
	if !ok {
		return false // nor is it one for a server
	}
	defer o.Wipe()
	components, _ := o.Text("components")
	return strings.TrimSpace(components) != "file://"+perconakms.Component || o.Boolean("read_local_manifest", false)
}
