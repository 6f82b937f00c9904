package enterprise_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/enterprise"
	"github.com/dbkeyring/dbkeyring/config/okv"
)

var update = flag.Bool("update", false, "write the golden files")

// directory makes a configuration directory, and in its folder encrypted one
// whose key has a password.
func directory(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "okv")
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("../../internal/pemkey/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	e := okv.Endpoint{Server: "not:1", CA: read("cert_rsa.pem"), Cert: read("cert_ec.pem"), Key: read("ec_sec1.pem")}
	err := okv.Write(dir, e)
	e.Key = read("enc_aes-256-cbc_hmacWithSHA256.pem")
	if err := errors.Join(err, okv.Write(filepath.Join(dir, "encrypted"), e)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func render(o enterprise.Options, r enterprise.Report, err error) string {
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
		fmt.Fprintf(&b, "Servers %q, OKV %v, NoCache %v, version %q, timeouts %v %v %v, names unverified %v, peers %v\n", o.Servers, o.Profile == kmip.ProfileOKV,
			o.NoCache, o.ProtocolVersion, o.ConnectTimeout, o.Timeout, o.StartTimeout, o.SkipHostnameVerification, o.SkipPeerVerification)
		fmt.Fprintf(&b, "%s %s %s\n", o.ServerCAFile, o.ClientCertFile, o.ClientKeyFile)
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

// Each testdata/NAME.cnf has its exact outcome in NAME.golden; go test -update
// writes them.
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
			dir := directory(t)
			plugins := filepath.Dir(dir)
			write(t, filepath.Join(plugins, enterprise.FileName), strings.ReplaceAll(string(text), "$DIR", dir))
			o, r, err := enterprise.Read(plugins, "", "")
			defer o.Wipe()
			got := strings.NewReplacer(dir, "$DIR", plugins, "$PLUGINS").Replace(render(o, r, err))
			golden := strings.TrimSuffix(file, ".cnf") + ".golden"
			if *update {
				write(t, golden, got)
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

func TestRead_LocalFile(t *testing.T) {
	dir := directory(t)
	plugins, data := t.TempDir(), t.TempDir()
	global, local := filepath.Join(plugins, enterprise.FileName), filepath.Join(data, enterprise.FileName)
	text := `{"kmip_configuration_directory": "` + dir + `", "server": "a:1"}`
	write(t, global, `{"read_local_config": true, "server": "ignored:1"}`)
	if config.IsEnterpriseAt(plugins, data, "") {
		t.Error("a file that is not there is Enterprise's")
	}
	if _, r, err := enterprise.Read(plugins, data, ""); err == nil || r.File != local {
		t.Error(r, err)
	}
	write(t, local, text)
	if !config.IsEnterpriseAt(plugins, data, "") || !config.IsEnterpriseAt(plugins, "", config.Base(data)) {
		t.Error("the local file is not seen to be Enterprise's")
	}
	if o, r, err := enterprise.Read(plugins, data, ""); err != nil || o.Servers[0] != "a:1" || r.File != local {
		t.Error(o.Servers, r, err)
	}
	if o, _, err := enterprise.ReadFile(local, ""); err != nil || o.Servers[0] != "a:1" {
		t.Error(o.Servers, err)
	}
	if _, _, err := enterprise.ReadFile(global, ""); err == nil || !strings.Contains(err.Error(), "Name that file instead.") {
		t.Error(err)
	}
	var zero enterprise.Options
	if rows := zero.Status(); len(rows) != 9 || rows[0].Value != "<NONE>" {
		t.Error(rows)
	}
}

// Which component's file it is, is told by its options alone.
func TestIsEnterprise(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.cnf")
	for text, want := range map[string]bool{
		`{"kmip_configuration_directory": "/x"}`: true, `{"server": 1}`: true, `{"standby_server": []}`: true, `{"cache_keys": true, "other": 1}`: true,
		`{}`: false, `{"server_addr": "a"}`: false, `{"server": "a", "client_ca": "b"}`: false, `{"read_local_config": true}`: false, `{"server"`: false, `[]`: false,
	} {
		write(t, file, text)
		if config.IsEnterprise(file) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
	if config.IsEnterprise(filepath.Join(t.TempDir(), "absent")) {
		t.Error("a file that is not there")
	}
}

// The owner of the data directory must be able to read all files again.
func TestRead_OwnerOfTheDataDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a data directory that is another user's")
	}
	outer, err := os.MkdirTemp("", "enterprise") // t.TempDir's parent lets only its owner in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(outer) })
	dir, data := filepath.Join(outer, "okv"), filepath.Join(outer, "data")
	if err := errors.Join(os.Chmod(outer, 0o755), os.CopyFS(dir, os.DirFS(directory(t))), os.Mkdir(data, 0o700), os.Chown(data, 65534, 65533), os.Chmod(dir, 0o750)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(outer, enterprise.FileName), `{"kmip_configuration_directory": "`+dir+`", "server": "a:1"}`)
	warned := func() int {
		_, r, err := enterprise.Read(outer, data, "")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(strings.Join(r.Warnings, "\n"), "the keyring cannot be reloaded after the start")
	}
	if n := warned(); n != 4 {
		t.Errorf("%d warnings", n)
	}
	err = filepath.WalkDir(outer, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, syscall.Chown(path, 65534, 65533))
	})
	if n := warned(); n != 0 || err != nil {
		t.Errorf("%d warnings, %v", n, err)
	}
}
