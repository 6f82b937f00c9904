package anyconf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func copyTo(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(b))
}

// Each kind is found, opened, and keeps a key.
func TestEachKind(t *testing.T) {
	s := keyservertest.New(t)
	dir := t.TempDir()
	cert, key := s.NewClient("db1")
	for from, to := range map[string]string{cert: "cert.pem", key: "key.pem", s.CAFile: "CA.pem"} {
		copyTo(t, from, filepath.Join(dir, "okv/ssl", to))
	}
	write(t, filepath.Join(dir, "okv/okvclient.ora"), "SERVER="+s.Addr+"\n")
	host, port, _ := strings.Cut(s.Addr, ":")
	quoted := func(s string) string { return `"` + s + `"` }
	data := filepath.Join(dir, "keys/keyring.json")
	write(t, data, "")

	for name, c := range map[string]struct {
		path    string
		kind    anyconf.Kind
		where   string
		profile kmip.Profile
	}{
		"Percona": {write(t, filepath.Join(dir, "percona/component_keyring_kmip.cnf"),
			`{"server_addr":`+quoted(host)+`,"server_port":`+quoted(port)+`,"client_ca":`+quoted(cert)+`,"client_key":`+quoted(key)+`,"server_ca":`+quoted(s.CAFile)+`,"object_group":"g"}`),
			anyconf.Percona, "KMIP server " + s.Addr + ", object group g", kmip.ProfilePercona},
		"Enterprise": {write(t, filepath.Join(dir, "enterprise/any.cnf"),
			`{"kmip_configuration_directory":`+quoted(dir+"/okv")+`,"server":`+quoted(s.Addr)+`,"cache_keys":true}`),
			anyconf.Enterprise, "KMIP server " + s.Addr, kmip.ProfileOKV},
		"OKV":            {filepath.Join(dir, "okv"), anyconf.OKV, "KMIP server " + s.Addr, kmip.ProfileOKV},
		"data file":      {data, anyconf.File, "file " + data, 0},
		"data file anew": {filepath.Join(dir, "new.json"), anyconf.File, "file " + dir + "/new.json", 0},
		"file component": {write(t, filepath.Join(dir, "component_keyring_file.cnf"), `{"path":"keys/other.json","read_only":false}`),
			anyconf.File, "file " + dir + "/keys/other.json", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "file component" {
				write(t, filepath.Join(dir, "keys/other.json"), "")
			}
			conf, err := anyconf.Read(c.path, config.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			defer conf.Wipe()
			if conf.Kind != c.kind || conf.Where != c.where || conf.Path != c.path || (conf.KMIP == nil) == (conf.File == nil) {
				t.Errorf("%+v", conf)
			}
			if conf.KMIP != nil && conf.KMIP.Profile != c.profile {
				t.Errorf("profile %v, not %v", conf.KMIP.Profile, c.profile)
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
			if conf.File != nil {
				if err := again.Remove(t.Context(), id); !errors.Is(err, keyring.ErrReadOnly) {
					t.Errorf("Remove from a keyring that was opened to be read: %v", err)
				}
			}
		})
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		filepath.Join(dir, "nothing"): {"/nothing: there is nothing there; looked for: component_keyring_kmip.cnf", "okvclient.ora (keyring_okv)",
			"component_keyring_file.cnf (path)", "JSON data file", "Name one of these"},
		dir:                           {": it is a folder without okvclient.ora; looked for: "},
		pipe:                          {"/pipe: it is not a regular file"},
		file("other.cnf", `{"a": 1}`): {"/other.cnf: it is JSON, and none of these; looked for: "},
		file("my.cnf", "[mysqld]\n"):  {"/my.cnf: it is an option file without keyring_aws"},
		file("a/component_keyring_kmip.cnf", `{}`):                                           {"5 faults", "server_addr"},
		file("mixed.cnf", `{"server_addr": "a", "server": "b:5696"}`):                        {"it mixes the options of two components"},
		file("pointer.cnf", `{"read_local_config": true}`):                                   {"read_local_config", "Name that file instead"},
		file("a/component_keyring_file.cnf", `{"read_only": 1}`):                             {"2 faults", "path (", "it is missing", "read_only (", "a number where true or false is needed"},
		file("kms.cnf", `{"path": "/x", "read_only": false, "region": "r", "kms_key": "k"}`): {"region", `"r" is not the name of an AWS region`},
		file("x/CA.pem", "") + "/..":                                                         {"/x/CA.pem/..", "not a directory"},
	} {
		conf, err := anyconf.Read(path, config.Base(dir))
		if err == nil {
			t.Errorf("%s: taken as %s", path, conf.Kind)
			continue
		}
		if _, ok := errors.AsType[config.Faults](err); !ok {
			t.Errorf("%s: not config.Faults: %T", path, err)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v\nlacks %q", path, err, w)
			}
		}
	}
}

// What looks like a data file is one, damaged or not, and is read as such.
func TestDamagedDataFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "keyring"), `{"version":"1.0","elements":[{"user`)
	conf, err := anyconf.Read(path, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = conf.Open(t.Context(), true, nil)
	if !errors.Is(err, keyring.ErrCorrupt) {
		t.Errorf("Open: %v", err)
	}
}

// A server that does not answer is an outage of the keyring, not a fault of the
// configuration.
func TestNobodyAnswers(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db1")
	host, port, _ := strings.Cut(s.Addr, ":")
	path := write(t, filepath.Join(t.TempDir(), "component_keyring_kmip.cnf"),
		`{"server_addr":"`+host+`","server_port":"`+port+`","client_ca":"`+cert+`","client_key":"`+key+`","server_ca":"`+s.CAFile+`","kmip_timeout_ms":500,"start_timeout_ms":500}`)
	s.Stop()
	conf, err := anyconf.Read(path, "")
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	ring, err := conf.Open(t.Context(), true, nil)
	if !errors.Is(err, keyring.ErrUnreachable) || ring != nil || time.Since(started) > 5*time.Second {
		t.Errorf("Open: %v, %v", ring, err)
	}
}
