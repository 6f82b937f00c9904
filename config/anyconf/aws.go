package anyconf

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"regexp"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/optionfile"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

func (c *Conf) readPerconaKMS(base config.Base) (*Conf, error) {
	o, report, err := perconakms.ReadFile(c.Path, base)
	c.Warnings, c.Notes = report.Warnings, report.Notes
	if err != nil {
		return c, err
	}
	c.Kind, c.KMS = PerconaKMS, &o
	c.Where = "file " + o.Path + ", KMS key " + strings.Join(o.Keys, ", ")
	return c, nil
}

// readOptionFile reads a server's option file, such as my.cnf, that has keyring_aws.
func (c *Conf) readOptionFile(base config.Base) (*Conf, error) {
	files := optionfile.Read(c.Path)
	var fatal config.Faults
	for _, p := range files.Problems {
		if p.Fatal {
			fatal = append(fatal, &p.Fault)
			continue
		}
		c.Warnings = append(c.Warnings, p.Error())
	}
	if fatal != nil {
		return c, fatal
	}
	settings, ok := keyringaws.SettingsOf(files)
	if !ok {
		return c, unknown(c.Path, "it is an option file without keyring_aws", nil)
	}
	o, report, err := keyringaws.ReadSettings(settings, base)
	c.Warnings, c.Notes = append(c.Warnings, report.Warnings...), report.Notes
	if err != nil {
		return c, err
	}
	c.Kind, c.AWS = KeyringAWS, &o
	c.Where = "file " + o.DataFile
	if o.KeyID != "" {
		c.Where += ", KMS key " + o.KeyID
	}
	return c, nil
}

// isOptionFile says whether a text can only be an option file's.
func isOptionFile(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && bytes.IndexByte([]byte("[#;!"), head[0]) >= 0
}

// enterpriseAWSNames are options that only component_keyring_aws of MySQL Enterprise has.
func enterpriseAWSNames() []string { return []string{"cmk_id", "aws_authentication", "aws_connection"} }

// enterpriseAWS is the fault of naming a keyring that only MySQL Enterprise can read.
func (c *Conf) enterpriseAWS(line int) error {
	return config.Faults{{File: c.Path, Line: line,
		Problem: "it is the configuration of MySQL Enterprise's component_keyring_aws, whose data file only that component reads",
		Cure:    "Copy its keys into another keyring first, such as component_keyring_file or component_keyring_kms, with mysql_migrate_keyring of that server, and name that one."}}
}

// encryptedAES finds an AES key in a JSON data file that is far longer than any: its
// value is what AWS KMS has encrypted.
var encryptedAES = regexp.MustCompile(`"data_type"\s*:\s*"(?i:AES)"\s*,\s*"data"\s*:\s*"([0-9A-Fa-f]{200})`)

// base64Text is what component_keyring_kms keeps.
var base64Text = regexp.MustCompile(`^[A-Za-z0-9+/]+$`)

// notPlain says why a data file is none of component_keyring_file's; "" if it may be one.
func notPlain(head []byte) (problem, cure string) {
	const kmsFile = "Name the component_keyring_kms.cnf that has it as its path."
	switch {
	case keyringaws.IsDataFile(head):
		return "it is a data file of keyring_aws, whose keys are encrypted by AWS KMS", "Name the option file (my.cnf) that has it as " + keyringaws.VariableData + "."
	case bytes.Contains(head, []byte(`"version":"dbkeyring`)):
		return "it is a data file of component_keyring_kms, whose keys are encrypted by AWS KMS", kmsFile
	}
	for _, m := range encryptedAES.FindAllSubmatch(head, -1) {
		value := make([]byte, hex.DecodedLen(len(m[1])))
		_, _ = hex.Decode(value, m[1]) // there is nothing but digits
		switch {
		case base64Text.Match(value):
			return "the keys in it are encrypted, as component_keyring_kms has AWS KMS do it", kmsFile
		case bytes.HasPrefix(value, []byte{1, 2}): // as AWS KMS's own begin
			return "the keys in it are encrypted, as MySQL Enterprise's component_keyring_aws has AWS KMS do it", "Copy them into another keyring first, with mysql_migrate_keyring of that server."
		}
	}
	return "", ""
}

// KMSKeys returns how AWS KMS is reached and which of its keys encrypt, for a keyring
// whose keys AWS KMS encrypts; false for another one.
func (c *Conf) KMSKeys() (o awskms.Options, keys []string, ok bool) {
	switch {
	case c.KMS != nil:
		return c.KMS.AWS, c.KMS.Keys, true
	case c.AWS == nil:
		return o, nil, false
	case c.AWS.KeyID != "":
		keys = []string{c.AWS.KeyID}
	}
	return c.AWS.AWS, keys, true
}

// openAWS opens a keyring whose keys AWS KMS encrypts.
func (c *Conf) openAWS(ctx context.Context, readOnly bool, log *slog.Logger) (keyring.Keyring, error) {
	if c.KMS != nil {
		o := c.KMS.Options
		o.ReadOnly = o.ReadOnly || readOnly
		r, err := kmsfile.Open(ctx, o, log)
		if err != nil {
			return nil, err // and no typed nil
		}
		return r, nil
	}
	o := c.AWS.Options
	o.ReadOnly = o.ReadOnly || readOnly
	r, err := kmsdata.Open(ctx, o, log)
	if err != nil {
		return nil, err
	}
	return r, nil
}
