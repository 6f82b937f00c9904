package keyringaws_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/optionfile"
)

var update = flag.Bool("update", false, "write the golden files")

func write(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	err := os.WriteFile(path, []byte(content), mode)
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func render(t *testing.T, o keyringaws.Options, r keyringaws.Report, err error) string {
	var b strings.Builder
	if err != nil {
		faults, ok := errors.AsType[config.Faults](err)
		if !ok {
			return "not config.Faults: " + err.Error()
		}
		for _, f := range faults {
			fmt.Fprintf(&b, "FAULT %s\n", f)
		}
	} else {
		c, err := o.AWS.Credentials(t.Context())
		fmt.Fprintf(&b, "credentials of %s: %d and %d characters, %v\n", c.AccessKeyID, len(c.SecretAccessKey), len(c.SessionToken), err)
		fmt.Fprintf(&b, "fips %v, timeout %v\n", o.AWS.FIPS, o.AWS.Timeout)
		for _, row := range o.Status() {
			fmt.Fprintf(&b, "%s: %s\n", row.Name, row.Value)
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "WARNING %s\n", w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "NOTE %s\n", n)
	}
	return b.String()
}

// Each testdata/NAME.case is the settings and, below a line "--", the file with the
// secret access key; without that line there is no file. The exact outcome is in
// NAME.golden; go test -update writes them. No outcome has a secret in it.
func TestRead_Golden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.case")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".case"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			settings, conf, there := strings.Cut(strings.ReplaceAll(string(text), "$DIR", dir), "--\n")
			if there {
				mode := os.FileMode(0o640)
				if strings.Contains(file, "everyone") {
					mode = 0o644
				}
				write(t, filepath.Join(dir, "conf"), conf, mode)
			}
			write(t, filepath.Join(dir, "enterprise"), "Keyring file version:2.0\x00\x01", 0o640)
			write(t, filepath.Join(dir, "other"), "something else", 0o640)
			write(t, filepath.Join(dir, "changeable"), "{\"format\":\"dbkeyring keyring_aws\"", 0o666)
			o, r, err := keyringaws.Read(settings, config.Base(dir))
			defer o.Wipe()
			got := strings.ReplaceAll(render(t, o, r, err), dir, "$DIR")
			for _, hidden := range []string{"wJalrXUtnFEMI", "TOKEN-THAT-IS-SECRET", "proxypassword"} {
				if strings.Contains(got, hidden) {
					t.Errorf("%s is shown:\n%s", hidden, got)
				}
			}
			golden := strings.TrimSuffix(file, ".case") + ".golden"
			if *update {
				write(t, golden, got, 0o644)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// The document's lines of my.cnf: the variables are found, with the place where they
// stand.
func TestSettingsOf(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "my.cnf")
	write(t, file, "[mysqld]\nearly-plugin-load=keyring_aws.so\nkeyring_aws_conf_file="+dir+"/keyring_aws_conf\nkeyring_aws_data_file="+dir+"/keyring_aws_data\nkeyring-aws-region=nowhere\n", 0o644)
	s, ok := keyringaws.SettingsOf(optionfile.Read(file))
	if !ok || s.ConfFile != dir+"/keyring_aws_conf" || s.DataFile != dir+"/keyring_aws_data" || s.KeyID != "" {
		t.Errorf("%+v, %v", s, ok)
	}
	_, _, err := keyringaws.ReadSettings(s, "")
	for _, want := range []string{"keyring_aws_conf_file (" + file + ", line 3)", "keyring_aws_region (" + file + ", line 5)", `"nowhere" is not the name`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	write(t, file, "[mysqld]\nearly-plugin-load=keyring_okv.so\n", 0o644)
	if s, ok := keyringaws.SettingsOf(optionfile.Read(file)); ok {
		t.Errorf("%+v", s)
	}
	write(t, file, "[mysqld]\nearly-plugin-load=keyring_aws.so\n", 0o644)
	if s, ok := keyringaws.SettingsOf(optionfile.Read(file)); !ok {
		t.Errorf("%+v", s)
	}
}

// What is written is read back.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	s := keyringaws.Settings{KeyID: "alias/db", ConfFile: filepath.Join(dir, "conf"), DataFile: filepath.Join(dir, "data"), Region: "eu-west-1"}
	c := awskms.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "s", SessionToken: "t"}
	if err := keyringaws.WriteConf(s.ConfFile, c, "https://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.ConfFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	file := filepath.Join(dir, "my.cnf")
	write(t, file, string(s.OptionFile()), 0o644)
	again, ok := keyringaws.SettingsOf(optionfile.Read(file))
	if !ok || again.String() != s.String() {
		t.Errorf("%q, %q", again.String(), s.String())
	}
	o, r, err := keyringaws.Read(s.String(), "")
	if err != nil || len(r.Warnings) > 0 || o.AWS.Endpoint != "https://127.0.0.1:1" || o.AWS.Region != "eu-west-1" {
		t.Fatalf("%+v, %+v, %v", o, r, err)
	}
	if got, err := o.AWS.Credentials(t.Context()); err != nil || got != c {
		t.Error(err)
	}
	// Credentials that change are read again, without another Read.
	c.SecretAccessKey = "another"
	if err := keyringaws.WriteConf(s.ConfFile, c, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := o.AWS.Credentials(t.Context()); err != nil || got != c {
		t.Errorf("%v", err)
	}
	// A file that is damaged while it is in use is an error that says where.
	write(t, s.ConfFile, "only one line\n", 0o640)
	if _, err := o.AWS.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), s.ConfFile) {
		t.Errorf("%v", err)
	}
	if err := os.Remove(s.ConfFile); err != nil {
		t.Fatal(err)
	}
	if _, err := o.AWS.Credentials(t.Context()); err == nil || !strings.Contains(err.Error(), s.ConfFile) {
		t.Errorf("%v", err)
	}
}

// New credentials count at once, also if the file is written in place, has the same
// size and is changed several times within the coarse times of a file.
func TestCredentialsInPlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conf")
	text := func(i int) string { return fmt.Sprintf("AKIAIOSFODNN7EXAMPL%d\nsecret%d\n", i, i) }
	write(t, file, text(0), 0o640)
	o, _, err := keyringaws.Read("conf_file="+file+"\ndata_file="+dir+"/data\n", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		write(t, file, text(i), 0o640)
		if c, err := o.AWS.Credentials(t.Context()); err != nil || c.SecretAccessKey != fmt.Sprint("secret", i) {
			t.Errorf("%d: %s, %v", i, c.AccessKeyID, err)
		}
	}
	write(t, file, "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI with blanks\n", 0o640)
	_, err = o.AWS.Credentials(t.Context())
	if err == nil || !strings.Contains(err.Error(), file+", line 2") || strings.Contains(err.Error(), "wJalrXUtnFEMI") {
		t.Error(err)
	}
}

// A file that the server's user may not read is told with the variable that names it,
// and whose rights count.
func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "conf"), "a\nb\n", 0)
	write(t, filepath.Join(dir, "data"), "", 0)
	_, _, err := keyringaws.Read("conf_file=conf\ndata_file=data", config.Base(dir))
	for _, want := range []string{"keyring_aws_conf_file: " + dir + "/conf: cannot read it: permission denied", "keyring_aws_data_file: cannot read " + dir + "/data: permission denied", "Give the user of the database"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// Without settings the defaults count; without a base nothing may be relative.
func TestDefaults(t *testing.T) {
	o, r, err := keyringaws.Read("", "")
	if r.File != keyringaws.DefaultConfFile || err == nil && o.DataFile != keyringaws.DefaultDataFile || err != nil && !strings.Contains(err.Error(), keyringaws.DefaultConfFile) {
		t.Errorf("%+v, %v", r, err)
	}
	_, _, err = keyringaws.Read("conf_file=c\ndata_file=d", "")
	for _, want := range []string{`keyring_aws_conf_file: "c" is a relative path`, `keyring_aws_data_file: "d" is a relative path`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// Cures name the plugin's variables and the lines of its file, and no secret.
func TestCures(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "conf"), "AKIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI\nproxy=http://u:proxypassword@127.0.0.1:1\nendpoint=https://vpce.example\n", 0o640)
	o, _, err := keyringaws.Read("conf_file=conf\ndata_file=data", config.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		awskms.Error
		want string
	}{
		{awskms.Error{Op: "Encrypt", Code: "AccessDeniedException"}, "Allow the user of the access key kms:Encrypt, in the IAM policy or in the policy of the KMS key; or, if there is no such key, correct keyring_aws_cmk_id and keyring_aws_region."},
		{awskms.Error{Code: "InvalidSignatureException"}, "Correct the access key ID and the secret access key."},
		{awskms.Error{Code: "ExpiredTokenException"}, "Renew the access key ID and the secret access key, and session_token with them: the temporary ones have expired."},
		{awskms.Error{Code: "InvalidCiphertextException"}, "Restore " + dir + "/data from a backup if it is damaged; if it is another account's or region's, correct keyring_aws_region and the access key ID and the secret access key."},
		{awskms.Error{Class: awskms.Transient}, "Check the network and the firewalls between this host and AWS KMS, correct keyring_aws_region, endpoint (now https://vpce.example) and proxy (now http://u:xxxxx@127.0.0.1:1), or raise timeout_ms (now 5000)."},
	} {
		if d := cmp.Diff(c.want+" The secret access key is in "+dir+"/conf.", o.AWS.Cure(&c.Error)); d != "" {
			t.Error(d)
		}
	}
}

func TestIsDataFile(t *testing.T) {
	for text, want := range map[string]bool{`{"format":"dbkeyring keyring_aws","version":1`: true, `{"version":"1.0"`: false, "": false} {
		if got := keyringaws.IsDataFile([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
