package mongod_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
)

var update = flag.Bool("update", false, "write the golden files")

// folder makes a folder with the files that the configurations name.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	pem := func(names ...string) string {
		var all string
		for _, name := range names {
			data, err := os.ReadFile(filepath.Join("../../internal/pemkey/testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			all += string(data)
		}
		return all
	}
	write(t, filepath.Join(dir, "client_certificate.pem"), pem("ec_sec1.pem", "cert_ec.pem", "cert_rsa.pem"), 0o600)
	write(t, filepath.Join(dir, "encrypted.pem"), pem("enc_aes-256-cbc_hmacWithSHA256.pem", "cert_ec.pem"), 0o600)
	write(t, filepath.Join(dir, "mismatch.pem"), pem("ec_sec1.pem", "cert_rsa.pem", "cert_ec.pem"), 0o600)
	write(t, filepath.Join(dir, "expired_open.pem"), pem("ec_sec1.pem", "expired.pem"), 0o644)
	write(t, filepath.Join(dir, "key_only.pem"), pem("ec_sec1.pem"), 0o600)
	write(t, filepath.Join(dir, "ca.pem"), pem("cert_rsa.pem"), 0o644)
	const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	write(t, filepath.Join(dir, "keyfile"), key, 0o600)
	write(t, filepath.Join(dir, "keyfile_group"), key, 0o640)
	write(t, filepath.Join(dir, "keyfile_open"), key, 0o604)
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

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

// render is all there is to see of what was read. A password is told by its length.
func render(t testing.TB, o mongod.Options, r mongod.Report, err error) string {
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
		b.WriteString(values(t, o))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "WARNING %s\n", w)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "NOTE %s\n", n)
	}
	return b.String()
}

func values(t testing.TB, o mongod.Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "db path %q, encryption %v, cipher %s, engine config %q\n", o.DBPath, o.Enabled, o.Cipher, o.EngineConfig)
	if k := o.KeyFile; k != nil {
		fmt.Fprintf(&b, "key file %q, relaxed %v\n", k.Path, k.RelaxedPermissions)
	}
	if k := o.KMIP; k != nil {
		fmt.Fprintf(&b, "kmip %q, certificate %q, password of %d bytes, authority %q\n", k.Servers, k.CertFile, k.Password.Len(), k.CAFile)
		fmt.Fprintf(&b, "kmip timeout %v, attempts %d, server creates %v\n", k.Timeout, k.Attempts, k.ServerCreates)
	}
	if a := o.AWSKMS; a != nil {
		fmt.Fprintf(&b, "aws %q, region %q, endpoint %q, timeout %v", a.KeyID, a.AWS.Region, a.AWS.Endpoint, a.AWS.Timeout)
		if a.AWS.Credentials != nil {
			c, err := a.AWS.Credentials(t.Context())
			fmt.Fprintf(&b, ", access key %s, %d and %d characters, %v", c.AccessKeyID, len(c.SecretAccessKey), len(c.SessionToken), err)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "key identifier %q, rotate %v, activate %v, poll %v, log only %v\n", o.KeyIdentifier, o.Rotate, o.Activate, o.PollPeriod, o.LogOnly)
	return b.String()
}

var (
	clock   = regexp.MustCompile(`clock says [-0-9: ]+UTC`)
	secrets = []string{"open sesame", "open barley", "topsecret"}
)

// Each testdata/NAME.conf has its exact outcome in NAME.golden; go test -update writes
// them. What has been read without a fault is read back from Text.
func TestRead_Golden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".conf"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() != 0 && (strings.Contains(file, "key_file_group") || strings.Contains(file, "key_file_relaxed")) {
				t.Skip("the file must be root's")
			}
			dir, cwd := folder(t), t.TempDir()
			mode := os.FileMode(0o640)
			if strings.Contains(file, "everyone") {
				mode = 0o644
			}
			conf := filepath.Join(dir, mongod.FileName)
			write(t, conf, strings.ReplaceAll(string(text), "$DIR", dir), mode)
			o, r, err := mongod.Read(conf, config.Base(cwd))
			got := strings.NewReplacer(dir, "$DIR", cwd, "$CWD").Replace(render(t, o, r, err))
			golden(t, strings.TrimSuffix(file, ".conf")+".golden", got)
			if err == nil {
				readBack(t, o, t.TempDir())
			}
			o.Wipe()
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	got = clock.ReplaceAllString(got, "clock says NOW")
	for _, leak := range secrets {
		if strings.Contains(got, leak) {
			t.Errorf("a secret shows in %s", got)
		}
	}
	if *update {
		write(t, file, got, 0o644)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

func readBack(t testing.TB, o mongod.Options, dir string) {
	t.Helper()
	file := filepath.Join(dir, "effective.conf")
	write(t, file, string(o.Text()), 0o600)
	again, r, err := mongod.Read(file, "")
	if err != nil {
		t.Fatalf("%v\n%s", err, o.Text())
	}
	if d := cmp.Diff(values(t, o), values(t, again)); d != "" {
		t.Errorf("%s\n%s", d, o.Text())
	}
	if o.KMIP != nil && o.KMIP.Password != nil && !o.KMIP.Password.Equal(again.KMIP.Password) {
		t.Error("another password is read back")
	}
	for _, w := range r.Warnings {
		if strings.Contains(w, file) && strings.Contains(w, "write it without quotes") {
			t.Error(w)
		}
	}
	again.Wipe()
}
