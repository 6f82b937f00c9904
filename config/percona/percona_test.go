package percona_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/percona"
)

var update = flag.Bool("update", false, "write the golden files")

// folder makes a folder with the PEM files that the configurations name.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{
		"client_certificate.pem": "cert_ec.pem", "client_key.pem": "ec_sec1.pem", "root_certificate.pem": "cert_rsa.pem",
		"encrypted_key.pem": "enc_aes-256-cbc_hmacWithSHA256.pem", "other_key.pem": "rsa_pkcs8.pem", "both.pem": "both_ec.pem",
		"expired.pem": "expired.pem", "scrypt.pem": "unsupported_scrypt.pem",
	} {
		data, err := os.ReadFile(filepath.Join("../../internal/pemkey/testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(data))
	}
	write(t, filepath.Join(dir, "password.txt"), "open sesame\n")
	write(t, filepath.Join(dir, "wrong.txt"), "open barley\r\n")
	write(t, filepath.Join(dir, "two_lines.txt"), "open\nsesame\n")
	write(t, filepath.Join(dir, "empty.txt"), "\n")
	return dir
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func render(o percona.Options, r percona.Report, err error) string {
	var b strings.Builder
	if err != nil {
		var faults config.Faults
		if !errors.As(err, &faults) {
			return "not config.Faults: " + err.Error()
		}
		for _, f := range faults {
			fmt.Fprintf(&b, "FAULT %s\n", f)
		}
	} else {
		fmt.Fprintf(&b, "Servers %q\n", o.Servers)
		fmt.Fprintf(&b, "SkipPeer %v, SkipHostname %v, timeouts %v %v, version %q, refuse %v, password of %d bytes\n",
			o.SkipPeerVerification, o.SkipHostnameVerification, o.Timeout, o.StartTimeout, o.ProtocolVersion, o.RefuseInactive, o.ClientKeyPassword.Len())
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
			dir, cwd := folder(t), t.TempDir()
			write(t, filepath.Join(dir, percona.FileName), string(text))
			o, r, err := percona.Read(dir, "", config.Base(cwd))
			got := strings.NewReplacer(dir, "$DIR", cwd, "$CWD").Replace(render(o, r, err))
			got = regexp.MustCompile(`clock says [-0-9: ]+UTC`).ReplaceAllString(got, "clock says NOW")
			o.Wipe()
			for _, leak := range []string{"open sesame", "open barley", "topsecret"} {
				if strings.Contains(got, leak) {
					t.Errorf("the password shows in %s", got)
				}
			}
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

const document = `{
 "server_addr": "127.0.0.1",
 "server_port": "5696",
 "client_ca": "client_certificate.pem",
 "client_key": "client_key.pem",
 "server_ca": "root_certificate.pem"
}
`

func TestConfigText_IsTheDocuments(t *testing.T) {
	if d := cmp.Diff(document, string(percona.ConfigText(percona.Endpoint{ServerAddr: "127.0.0.1", ServerPort: "5696"}))); d != "" {
		t.Error(d)
	}
}

func TestWrite_ReadsBack(t *testing.T) {
	dir := folder(t)
	if err := percona.Write(dir, percona.Endpoint{ServerAddr: "::1", ServerPort: "5697", ServerCA: dir + "/both.pem"}); err != nil {
		t.Fatal(err)
	}
	o, r, err := percona.Read(dir, "", "")
	if err != nil || len(r.Warnings) != 0 {
		t.Fatal(err, r.Warnings)
	}
	if o.Servers[0] != "[::1]:5697" || o.ServerCAFile != dir+"/both.pem" || o.ClientCertFile != dir+"/client_certificate.pem" {
		t.Errorf("%+v", o.Options)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "mysqld.my"))
	if want := "{\n \"read_local_manifest\": false,\n \"components\": \"file://component_keyring_kmip\"\n}\n"; err != nil || string(manifest) != want {
		t.Errorf("%s, %v", manifest, err)
	}
	if err := percona.Write(filepath.Join(dir, "absent"), percona.Endpoint{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRead_LocalFile(t *testing.T) {
	componentDir, dataDir, cwd := t.TempDir(), folder(t), folder(t)
	global, local := filepath.Join(componentDir, percona.FileName), filepath.Join(dataDir, percona.FileName)
	read := func(instanceDir string) (percona.Options, percona.Report, error) {
		return percona.Read(componentDir, instanceDir, config.Base(cwd))
	}
	want := func(err error, text string) {
		t.Helper()
		if err == nil || err.Error() != text {
			t.Errorf("got  %v\nwant %s", err, text)
		}
	}
	_, _, err := read(dataDir)
	want(err, global+`: there is no such file. Write it, as the documentation shows, or let "dbkeyring endpoint add NAME --for mysql" write it.`)

	write(t, global, `{"read_local_config": true, "server_addr": "ignored"}`)
	_, r, err := read(dataDir)
	want(err, local+`: there is no such file. The global file `+global+` says "read_local_config": true. Put the configuration into the data directory, or take that line out.`)
	if r.File != local || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q, %v", r.File, err)
	}

	write(t, local, document)
	o, r, err := read(dataDir)
	if err != nil || o.Servers[0] != "127.0.0.1:5696" || r.File != local {
		t.Errorf("%v, %v, %q", err, o.Servers, r.File)
	}
	// The relative paths are those of the first load's directory, as in Percona.
	if o.ClientKeyFile != cwd+"/client_key.pem" {
		t.Errorf("took %s", o.ClientKeyFile)
	}
	if len(r.Notes) != 4 || r.Notes[0] != global+" says read_local_config: its other options do not count." ||
		r.Notes[1] != fmt.Sprintf(`client_ca (%s, line 4): "client_certificate.pem" is taken to be %s/client_certificate.pem.`, local, cwd) {
		t.Errorf("%q", r.Notes)
	}

	// Without an instance path the current directory is meant.
	write(t, filepath.Join(cwd, percona.FileName), strings.Replace(document, "127.0.0.1", "127.0.0.2", 1))
	if o, _, err := read(""); err != nil || o.Servers[0] != "127.0.0.2:5696" {
		t.Errorf("%v, %v", err, o.Servers)
	}

	write(t, global, `{"read_local_config": 1, "server_addr": ""}`)
	if _, _, err := read(dataDir); err == nil || !strings.Contains(err.Error(), "6 faults") ||
		!strings.Contains(err.Error(), "read_local_config ("+global+", line 1): a number where true or false is needed. Write true or false, without quotes.") {
		t.Error(err)
	}
}

func TestReadFile(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, "copy.cnf")
	if _, _, err := percona.ReadFile(file, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	write(t, file, document)
	if o, _, err := percona.ReadFile(file, ""); err != nil || o.ClientKeyFile != dir+"/client_key.pem" {
		t.Error(o, err)
	}
	write(t, file, config.ConfigPointer)
	if _, _, err := percona.ReadFile(file, ""); err == nil || err.Error() != "read_local_config ("+file+", line 2): the options stand in the file of the same name in the data directory. Name that file instead." {
		t.Error(err)
	}
	if _, _, err := percona.ReadFile(dir, ""); err == nil || err.Error() != dir+": it is not a regular file. Put the configuration file there." {
		t.Error(err)
	}
}

func TestStatus_OfNoConfiguration(t *testing.T) {
	var o percona.Options
	if rows := o.Status(); len(rows) != 13 || rows[0].Name != "Server_addr" || rows[0].Value != "<NONE>" {
		t.Error(rows)
	}
}

func TestRead_Rights(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, percona.FileName), strings.Replace(document, "{", "{\n\"client_key_password\": \"topsecret\",", 1))
	for _, name := range []string{"client_key.pem", percona.FileName} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, r, err := percona.Read(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		fmt.Sprintf("client_key_password (%[1]s, line 2): everyone on this host can read the file it stands in; chmod o-r %[1]s.", filepath.Join(dir, percona.FileName)),
		fmt.Sprintf("client_key (%s, line 6): everyone on this host can read %[2]s; chmod o-r %[2]s.", filepath.Join(dir, percona.FileName), filepath.Join(dir, "client_key.pem")),
	}
	if d := cmp.Diff(want, r.Warnings); d != "" {
		t.Error(d)
	}
}

func TestRead_OwnerOfTheDataDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a data directory that is another user's")
	}
	outer, err := os.MkdirTemp("", "percona") // t.TempDir's parent lets only its owner in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(outer) })
	const uid, gid = 65534, 65533
	dataDir := filepath.Join(outer, "data")
	from, dir := folder(t), filepath.Join(outer, "keyring")
	if err := errors.Join(os.Chmod(outer, 0o755), os.CopyFS(dir, os.DirFS(from)), os.Mkdir(dataDir, 0o700), os.Chown(dataDir, uid, gid), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cnf := filepath.Join(dir, percona.FileName)
	write(t, cnf, document)
	warnings := func() []string {
		_, r, err := percona.Read(dir, dataDir, "")
		if err != nil {
			t.Fatal(err)
		}
		return r.Warnings
	}
	set := func(mode fs.FileMode, u, g int) {
		for _, name := range []string{percona.FileName, "client_certificate.pem", "client_key.pem", "root_certificate.pem"} {
			p := filepath.Join(dir, name)
			if err := errors.Join(os.Chown(p, u, g), os.Chmod(p, mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	set(0o600, 0, 0)
	got := warnings()
	if len(got) != 4 || got[2] != fmt.Sprintf("client_key (%s, line 5): the owner of the data directory %s (user id 65534) cannot read %[3]s because of the rights of %[3]s: the keyring cannot be reloaded after the start.",
		cnf, dataDir, filepath.Join(dir, "client_key.pem")) {
		t.Errorf("%q", got)
	}
	for _, ok := range []struct {
		mode fs.FileMode
		u, g int
	}{{0o400, uid, 0}, {0o640, 0, gid}, {0o640, 0, 65500}} {
		if set(ok.mode, ok.u, ok.g); len(warnings()) != 0 {
			t.Errorf("%v %d:%d: %q", ok.mode, ok.u, ok.g, warnings())
		}
	}
	set(0o640, 0, 0)
	if got := warnings(); len(got) != 4 {
		t.Errorf("root's group: %q", got)
	}
	set(0o400, uid, gid)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := warnings(); len(got) != 4 || !strings.Contains(got[0], "because of the rights of "+dir+":") {
		t.Errorf("a closed folder: %q", got)
	}
}

func TestRead_NoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := folder(t)
	write(t, filepath.Join(dir, percona.FileName), document)
	if err := os.Chmod(filepath.Join(dir, "client_key.pem"), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := percona.Read(dir, "", ""); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "the right to read") {
		t.Error(err)
	}
}

func FuzzReadFile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.cnf")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	dir := folder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(dir, fmt.Sprintf("%d.cnf", os.Getpid()))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		o, _, err := percona.ReadFile(file, "")
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("it took %v", d)
		}
		var faults config.Faults
		switch {
		case err == nil && (len(o.Servers) == 0 || o.Timeout <= 0 || o.MaxObjects <= 0 || !filepath.IsAbs(o.ClientKeyFile)):
			t.Errorf("taken, and incomplete: %+v", o.Options)
		case err != nil && (!errors.As(err, &faults) || len(faults) == 0 || len(o.Servers) != 0):
			t.Errorf("%v, %+v", err, o.Options)
		}
		o.Wipe()
	})
}

// The file may be a pipe or another thing on which reading would hang.
func TestRead_Pipe(t *testing.T) {
	dir := folder(t)
	for _, name := range []string{percona.FileName, "pipe"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := percona.Read(dir, "", ""); err == nil || !strings.Contains(err.Error(), "it is not a regular file") {
		t.Error(err)
	}
	file := filepath.Join(dir, "x.cnf")
	write(t, file, strings.NewReplacer("client_key.pem", "pipe", "{", `{"client_key_password_file": "pipe",`).Replace(document))
	if _, _, err := percona.ReadFile(file, ""); err == nil || strings.Count(err.Error(), "it is not a regular file") != 2 {
		t.Error(err)
	}
}
