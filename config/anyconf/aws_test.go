package anyconf_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) {
	kmstest.ClearEnvironment()
	os.Exit(m.Run())
}

var credentials = awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// Both kinds whose keys AWS KMS encrypts are found, opened, and keep a key.
func TestKMSKinds(t *testing.T) {
	kms := kmstest.New(t)
	kms.Credentials(credentials)
	key := kms.NewKey(kmstest.Region)
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := keyringaws.WriteConf(conf, credentials, kms.URL); err != nil {
		t.Fatal(err)
	}
	settings := keyringaws.Settings{KeyID: key, ConfFile: conf, DataFile: filepath.Join(dir, "aws/data")}
	component := perconakms.Settings{Path: filepath.Join(dir, "kms"), Keys: []string{key}, Endpoint: kms.URL, Credentials: credentials}

	for name, c := range map[string]struct {
		path string
		kind anyconf.Kind
		data string
	}{
		"component":                {write(t, filepath.Join(dir, "any.cnf"), string(perconakms.ConfigText(component))), anyconf.PerconaKMS, component.Path},
		"option file":              {write(t, filepath.Join(dir, "my.cnf"), string(settings.OptionFile())), anyconf.KeyringAWS, settings.DataFile},
		"option file, not [ first": {write(t, filepath.Join(dir, "more.cnf"), "\n# ours\n!include "+dir+"/my.cnf\n"), anyconf.KeyringAWS, settings.DataFile},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := anyconf.Read(c.path, "")
			if err != nil {
				t.Fatal(err)
			}
			defer conf.Wipe()
			if conf.Kind != c.kind || conf.DataFile() != c.data || conf.Where != "file "+c.data+", KMS key "+key || conf.ReadOnly() || conf.KMIP != nil || conf.File != nil {
				t.Errorf("%+v", conf)
			}
			ring, err := conf.Open(t.Context(), false, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ring.Close()
			id := keyring.ID{Name: "of " + name}
			if err := ring.Store(t.Context(), id, keyring.Key{Type: "AES", Data: secret.Random(32)}); err != nil {
				t.Fatal(err)
			}
			again, err := conf.Open(t.Context(), true, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			k, err := again.Fetch(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			k.Wipe()
			if err := again.Remove(t.Context(), id); !errors.Is(err, keyring.ErrReadOnly) {
				t.Errorf("Remove from a keyring that was opened to be read: %v", err)
			}
		})
	}

	// The data files themselves cannot be opened without the rest.
	for file, want := range map[string]string{
		component.Path:    "Name the component_keyring_kms.cnf that has it as its path.",
		settings.DataFile: "Name the option file (my.cnf) that has it as keyring_aws_data_file.",
	} {
		if _, err := anyconf.Read(file, ""); err == nil || !strings.Contains(err.Error(), file+": ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}

	kms.SetState(key, "Disabled")
	for _, file := range []string{dir + "/any.cnf", dir + "/my.cnf"} {
		conf, err := anyconf.Read(file, "")
		if err != nil {
			t.Fatal(err)
		}
		ring, err := conf.Open(t.Context(), false, nil)
		if !errors.Is(err, keyring.ErrInactive) || ring != nil || strings.Contains(err.Error(), credentials.SecretAccessKey) {
			t.Errorf("%s, with its KMS key disabled: %v, %v", file, ring, err)
		}
	}
}

// One that is only to be read, by its configuration.
func TestKMSReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, perconakms.FileName), `{"path": "/x", "read_only": true, "region": "eu-west-1", "kms_key": "db"}`)
	conf, err := anyconf.Read(path, "")
	if err == nil {
		conf.Wipe()
	}
	if err != nil || !conf.ReadOnly() || conf.Where != "file /x, KMS key alias/db" {
		t.Errorf("%+v, %v", conf, err)
	}
}

func TestKMSFaults(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	element := func(value []byte) string {
		return `{"version":"1.0","elements":[{"user":"","data_id":"a","data_type":"AES","data":"` + strings.ToUpper(hex.EncodeToString(value)) + `","extension":[]}]}`
	}
	blob := append([]byte{1, 2, 1, 0, 0x78}, make([]byte, 180)...)
	for path, want := range map[string][]string{
		file("percona", element([]byte(base64.StdEncoding.EncodeToString(blob)))): {"the keys in it are encrypted, as component_keyring_kms has AWS KMS do it", "component_keyring_kms.cnf"},
		file("enterprise", element(blob)):                                         {"as MySQL Enterprise's component_keyring_aws has AWS KMS do it", "mysql_migrate_keyring"},
		file("ours", `{"version":"dbkeyring 1.0","elements":[]}`):                 {"it is a data file of component_keyring_kms"},
		file("plugin", `{"format":"dbkeyring keyring_aws","version":1`):           {"it is a data file of keyring_aws"},

		file("none/component_keyring_kms.cnf", `{}`):                                       {"2 faults", "path (", "kms_key ("},
		file("component_keyring_aws.cnf", "{\n\"data_file\": \"x\",\n\"cmk_id\": \"k\"}"):  {"/component_keyring_aws.cnf, line 3: it is the configuration of MySQL Enterprise's component_keyring_aws"},
		file("of_vault.cnf", `{"path": "x", "password": "p"}`):                             {"password (", "it is an option of another component"},
		file("broken.cnf", `{"kms_key": `):                                                 {"/broken.cnf, line 1: "},
		file("nothing/my.cnf", "[mysqld]\nkeyring_aws_conf_file="+dir+"/absent\n"):         {"keyring_aws_conf_file (" + dir + "/nothing/my.cnf, line 2): " + dir + "/absent: there is no such file"},
		file("bracket/my.cnf", "[mysqld]\nearly-plugin-load=keyring_aws.so\n[mysqld\nx\n"): {"/bracket/my.cnf, line 3: a group's name has no closing bracket"},
		file("okv/my.cnf", "; okv\n[mysqld]\nearly-plugin-load=keyring_okv.so\n"):          {"it is an option file without keyring_aws; looked for: "},
		file("relative/my.cnf", "[mysqld]\nearly-plugin-load=keyring_aws.so\n"+
			"keyring_aws_conf_file=c\nkeyring_aws_data_file=d\nkeyring_aws_region=here\n"): {"keyring_aws_data_file", "keyring_aws_conf_file", "keyring_aws_region", "3 faults"},
	} {
		conf, err := anyconf.Read(path, "")
		if err == nil {
			t.Errorf("%s: taken as %s", path, conf.Kind)
			continue
		}
		if _, ok := errors.AsType[config.Faults](err); !ok || conf.Kind != "" || conf.DataFile() != "" {
			t.Errorf("%s: %+v, %T", path, conf, err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nlacks %q", path, err, w)
			}
		}
	}
	// What the server can do without is a warning.
	write(t, filepath.Join(dir, "c"), credentials.AccessKeyID+"\n"+credentials.SecretAccessKey+"\n")
	path := file("warned/my.cnf", "[mysqld]\nkeyring_aws_conf_file="+dir+"/c\nkeyring_aws_data_file="+dir+"/d\n!include "+dir+"/absent.cnf\n")
	conf, err := anyconf.Read(path, "")
	if err != nil || len(conf.Warnings) != 1 || !strings.Contains(conf.Warnings[0], dir+"/absent.cnf: no such file") || conf.Where != "file "+dir+"/d" {
		t.Errorf("%+v, %v", conf, err)
	}
}
