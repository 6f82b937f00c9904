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
	if info, err := os.Stat(s.ConfFile); err != nil || info.Mode().Perm() != 0o640 {
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

func TestIsDataFile(t *testing.T) {
	for text, want := range map[string]bool{`{"format":"dbkeyring keyring_aws","version":1`: true, `{"version":"1.0"`: false, "": false} {
		if got := keyringaws.IsDataFile([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
