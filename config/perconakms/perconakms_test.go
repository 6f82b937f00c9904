package perconakms_test

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
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
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

func render(t *testing.T, o perconakms.Options, r perconakms.Report, err error) string {
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
		fmt.Fprintf(&b, "Keys %q, region %q, format %q, read only %v, fips %v, timeouts %v %v\n", o.Keys, o.AWS.Region, o.Format, o.ReadOnly, o.AWS.FIPS, o.AWS.Timeout, o.StartTimeout)
		if o.AWS.Credentials != nil {
			c, err := o.AWS.Credentials(t.Context())
			fmt.Fprintf(&b, "credentials of %s: %d and %d characters, %v\n", c.AccessKeyID, len(c.SecretAccessKey), len(c.SessionToken), err)
		}
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

// Each testdata/NAME.cnf has its exact outcome in NAME.golden; go test -update writes
// them. No outcome has a secret in it.
func TestRead_Golden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.cnf")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".cnf"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			mode := os.FileMode(0o640)
			if strings.Contains(file, "everyone") {
				mode = 0o644
			}
			write(t, filepath.Join(dir, perconakms.FileName), strings.ReplaceAll(string(text), "$DIR", dir), mode)
			write(t, filepath.Join(dir, "changeable"), "", 0o666)
			o, r, err := perconakms.Read(dir, "", config.Base(dir))
			defer o.Wipe()
			got := strings.ReplaceAll(render(t, o, r, err), dir, "$DIR")
			for _, hidden := range []string{"wJalrXUtnFEMI", "TOKEN-THAT-IS-SECRET", "proxypassword"} {
				if strings.Contains(got, hidden) {
					t.Errorf("%s is shown:\n%s", hidden, got)
				}
			}
			golden := strings.TrimSuffix(file, ".cnf") + ".golden"
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

const example = `{"path": "data", "region": "eu-central-1", "kms_key": "alias/db", "auth_key": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}`

// The global file may send to the one in the data directory; nothing is merged.
func TestRead_LocalFile(t *testing.T) {
	plugins, data := t.TempDir(), t.TempDir()
	write(t, filepath.Join(plugins, perconakms.FileName), `{"read_local_config": true, "region": "us-east-1"}`, 0o640)
	if _, _, err := perconakms.Read(plugins, data, ""); err == nil || !strings.Contains(err.Error(), filepath.Join(data, perconakms.FileName)) {
		t.Errorf("without a local file: %v", err)
	}
	write(t, filepath.Join(data, perconakms.FileName), example, 0o640)
	o, r, err := perconakms.Read(plugins, data, config.Base(data))
	if err != nil || o.AWS.Region != "eu-central-1" || r.File != filepath.Join(data, perconakms.FileName) {
		t.Errorf("%+v, %v", o, err)
	}
	if _, _, err := perconakms.Read(t.TempDir(), "", ""); err == nil || !strings.Contains(err.Error(), "dbkeyring aws init --for component") {
		t.Errorf("without a file: %v", err)
	}
}

// A relative path is that of a file beside the configuration file if it is there and
// nowhere else; one that has to be made is made in the base.
func TestRead_RelativePath(t *testing.T) {
	plugins, base := t.TempDir(), t.TempDir()
	file := filepath.Join(plugins, "any.cnf")
	write(t, file, example, 0o640)
	for _, c := range []struct{ made, want string }{{"", base}, {plugins, plugins}, {base, base}} {
		if c.made != "" {
			write(t, filepath.Join(c.made, "data"), "", 0o640)
		}
		o, r, err := perconakms.ReadFile(file, config.Base(base))
		if err != nil || o.Path != filepath.Join(c.want, "data") || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `"data" is taken to be `+o.Path) {
			t.Errorf("%s, %v, %v", o.Path, r.Warnings, err)
		}
	}
}

// The zero Options, as of a component that has not started, has every row.
func TestStatus_Zero(t *testing.T) {
	var o perconakms.Options
	rows := o.Status()
	if len(rows) != 11 || rows[0].Name != "Data_file" || rows[1].Name != "Read_only" || rows[2].Name != "KeyId" {
		t.Errorf("%+v", rows)
	}
	for _, row := range rows {
		if row.Value != "<NONE>" {
			t.Errorf("%+v", row)
		}
	}
}

// Cures name the component's options, or the default chain of AWS, and no secret.
func TestCures(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, perconakms.FileName)
	for _, c := range []struct {
		options string
		awskms.Error
		want string
	}{
		{`"auth_key": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"`, awskms.Error{Op: "Decrypt", Code: "AccessDeniedException"},
			"Allow the user of auth_key kms:Decrypt, in the IAM policy or in the policy of the KMS key; or, if there is no such key, correct kms_key and region."},
		{`"auth_key": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"`, awskms.Error{Code: "UnrecognizedClientException"}, "Correct auth_key and secret_access_key."},
		{`"fips": true`, awskms.Error{Class: awskms.Operator},
			"Correct the credentials of the default chain of AWS (environment, shared files, the machine's role), or set auth_key and secret_access_key."},
		{`"proxy": "http://u:proxypassword@127.0.0.1:1", "timeout_ms": 70`, awskms.Error{Class: awskms.Transient},
			"Check the network and the firewalls between this host and AWS KMS, correct region, endpoint and proxy (now http://u:xxxxx@127.0.0.1:1), or raise timeout_ms (now 70)."},
	} {
		write(t, file, `{"path": "`+dir+`/data", "region": "eu-west-1", "kms_key": "db", `+c.options+"}", 0o640)
		o, _, err := perconakms.ReadFile(file, "")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want+" The options are in "+file+".", o.AWS.Cure(&c.Error)); d != "" {
			t.Error(d)
		}
	}
}

// What is written is read back.
func TestConfigText(t *testing.T) {
	for _, s := range []perconakms.Settings{
		{Region: "eu-central-1", Keys: []string{"alias/db"}},
		{Keys: []string{"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"}, Format: kmsfile.FormatPercona, Endpoint: "https://127.0.0.1:1",
			Credentials: awskms.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "s", SessionToken: "t"}},
		{Keys: []string{"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},
			Format: kmsfile.FormatDBKeyring},
	} {
		dir := t.TempDir()
		s.Path = filepath.Join(dir, "data")
		if err := perconakms.Write(dir, s); err != nil {
			t.Fatal(err)
		}
		o, r, err := perconakms.Read(dir, "", "")
		if err != nil || len(r.Warnings) > 0 || o.Path != s.Path || len(o.Keys) != len(s.Keys) || o.AWS.Endpoint != s.Endpoint || (o.AWS.Credentials == nil) != (s.AccessKeyID == "") {
			t.Errorf("%+v, %+v, %v", o, r, err)
		}
	}
}

// Another KMS key is put into the file, and nothing else is touched.
func TestSetKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "any.cnf")
	const text = "\uFEFF{\n \"kms_key\" : \"alias/old\" ,\n\t\"path\":\"/x \\\"kms_key\\\"\", \"list\": [1, {\"kms_key\": 2}]\n}\n"
	write(t, file, text, 0o600)
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"alias/new"}, `"alias/new"`}, {[]string{"a", "b"}, `["a","b"]`}, {[]string{"alias/old"}, `"alias/old"`},
	} {
		if changed, err := perconakms.SetKeys(file, c.keys); err != nil || !changed {
			t.Fatalf("%v, %v", changed, err)
		}
		got, err := os.ReadFile(file)
		if want := strings.Replace(text, `"alias/old"`, c.want, 1); err != nil || string(got) != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	if changed, err := perconakms.SetKeys(file, []string{"alias/old"}); err != nil || changed {
		t.Errorf("%v, %v", changed, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, wrong := range []string{"{}", "", "{\"kms_key\": ", "[]"} {
		write(t, file, wrong, 0o600)
		if _, err := perconakms.SetKeys(file, []string{"a"}); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
