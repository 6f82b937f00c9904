package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// world is a MySQL server's files and a key server that answers: two good
// configurations, of which a test spoils one.
type world struct {
	t      *testing.T
	dir    string
	ca     *kmiptest.Authority
	keeper *kmiptest.Keeper
	server string
	port   string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), ca: kmiptest.NewAuthority(t), keeper: &kmiptest.Keeper{}}
	w.server = kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server()), w.keeper.Handle).Addr
	_, w.port, _ = net.SplitHostPort(w.server)
	for _, d := range []string{"base/bin", "plugins", "data", "conf.d"} {
		if err := os.MkdirAll(w.at(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	client := w.ca.Client("mysql")
	for _, name := range []string{"keyring_okv", "keyring_aws", "keyring_file", "component_keyring_kmip", "component_keyring_file"} {
		w.write("plugins/"+name+".so", "\x7fELF")
	}
	if err := okv.Write(w.at("okv"), okv.Endpoint{Server: w.server, CA: w.read(w.ca.CertFile), Cert: w.read(client.CertFile), Key: w.read(client.KeyFile)}); err != nil {
		t.Fatal(err)
	}
	w.myCnf("early-plugin-load=keyring_okv.so", "keyring_okv_conf_dir="+w.at("okv"))
	// The manifest does not lie in basedir's bin, so that the my.cnf stands alone.
	w.write("mysqld.my", config.ManifestGlobal(percona.Component))
	w.write("plugins/component_keyring_kmip.cnf", string(percona.ConfigText(percona.Endpoint{
		ServerAddr: "127.0.0.1", ServerPort: w.port, ClientCA: client.CertFile, ClientKey: client.KeyFile, ServerCA: w.ca.CertFile})))
	return w
}

func (w *world) at(name string) string { return filepath.Join(w.dir, name) }

func (w *world) read(file string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(w.at(name), []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// myCnf writes a my.cnf with these lines besides the folders.
func (w *world) myCnf(lines ...string) {
	w.t.Helper()
	w.write("my.cnf", "[client]\nport=3306\n[mysqld]\nbasedir="+w.at("base")+"\nplugin-dir = '"+w.at("plugins")+"'\ndatadir="+w.at("data")+" # data\n"+strings.Join(lines, "\n")+"\n")
}

func (w *world) manifest(components string) {
	w.t.Helper()
	w.write("mysqld.my", `{"components": "`+components+`"}`)
}

// check runs the command and returns its exit code and what it found.
func (w *world) check(args ...string) (int, checkup) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	p := &process{ctx: context.Background(), stdout: &stdout, stderr: &stderr}
	code := run(p, append([]string{"check", "--json", "--timeout", "2s"}, args...))
	var k checkup
	if err := json.Unmarshal(stdout.Bytes(), &k); err != nil {
		w.t.Fatalf("%v: %s %s", err, &stdout, &stderr)
	}
	return code, k
}

func (w *world) checkMyCnf() (int, checkup) { return w.check(w.at("my.cnf")) }
func (w *world) checkManifest() (int, checkup) {
	return w.check(w.at("mysqld.my"), "--plugin-dir", w.at("plugins"), "--datadir", w.at("data"))
}

// Nothing is wrong with the world as it is made, by whichever path it is looked at.
func TestCheck_Good(t *testing.T) {
	w := newWorld(t)
	for name, check := range map[string]func() (int, checkup){
		"my.cnf": w.checkMyCnf, "manifest": w.checkManifest,
		"okv":           func() (int, checkup) { return w.check(w.at("okv")) },
		"okvclient.ora": func() (int, checkup) { return w.check(w.at("okv/okvclient.ora")) },
		"cnf":           func() (int, checkup) { return w.check(w.at("plugins/component_keyring_kmip.cnf")) },
	} {
		code, k := check()
		if code != 0 || k.count(levelFail) != 0 {
			t.Errorf("%s: exit code %d: %v", name, code, k.Findings)
		}
		if len(k.Servers) != 1 || !k.Servers[0].Reachable || k.Servers[0].TLS != "1.3" || len(k.Servers[0].Missing) != 0 || k.Servers[0].Needed < 7 ||
			!slices.Contains(k.Servers[0].Names, "127.0.0.1") || !slices.Contains(k.Servers[0].Versions, "1.1") || k.Servers[0].Until == nil {
			t.Errorf("%s: %+v", name, k.Servers)
		}
		if len(k.Files) < 4 {
			t.Errorf("%s: %+v", name, k.Files)
		}
	}
}

// Misconfigurations, one at a time: each is found, with a cure and the right
// exit code.
func TestCheck_Planted(t *testing.T) {
	const early = "early-plugin-load=keyring_okv.so"
	dir := func(w *world) string { return "keyring_okv_conf_dir=" + w.at("okv") }
	ora := func(text string) func(*world) {
		return func(w *world) { w.write("okv/okvclient.ora", strings.ReplaceAll(text, "$S", w.server)) }
	}
	myCnf := func(lines ...string) func(*world) {
		return func(w *world) {
			for i := range lines {
				lines[i] = strings.NewReplacer("$D", w.dir).Replace(lines[i])
			}
			w.myCnf(lines...)
		}
	}
	urn := func(list string) func(*world) { return func(w *world) { w.manifest(list) } }
	for _, c := range []struct {
		name  string
		plant func(*world)
		by    func(*world) (int, checkup) // nil: my.cnf
		level string                      // "": fail
		want  string                      // in a finding; $D is the world's folder
		cure  string
	}{
		// my.cnf
		{name: "manifest and early-plugin-load", plant: func(w *world) { w.do(os.Rename(w.at("mysqld.my"), w.at("base/bin/mysqld.my"))) },
			want: "more than one keyring is enabled: keyring_okv by early-plugin-load, and component_keyring_kmip by the manifest, which wins", cure: "Take early-plugin-load out"},
		{name: "two plugins", plant: func(w *world) { w.myCnf("early-plugin-load=keyring_okv.so;keyring_aws.so", dir(w)) },
			want: "more than one keyring is enabled: keyring_okv, keyring_aws", cure: "Keep one"},
		{name: "no directory set", plant: myCnf(early), want: "keyring_okv_conf_dir ($D/my.cnf): it is not set", cure: "Set it to a directory"},
		{name: "directory absent", plant: myCnf(early, "keyring-okv-conf-dir=$D/absent"), want: "$D/absent: no such file or directory", cure: "Make it"},
		{name: "relative directory", plant: myCnf(early, "loose_keyring_okv_conf_dir=okv"), want: "okv is relative to the directory that the server is started in", cure: "absolute path", level: levelWarn},
		{name: "plugin not loaded", plant: func(w *world) { w.myCnf(dir(w)) }, want: "keyring_okv is not loaded, so that the server does not know this variable and does not start", cure: "Write early-plugin-load"},
		{name: "loaded too late", plant: func(w *world) { w.myCnf("plugin-load-add=keyring_okv.so", "loose-"+dir(w)) }, want: "keyring_okv is loaded too late", cure: "Write early-plugin-load=keyring_okv.so."},
		{name: "wrong group", plant: func(w *world) { w.write("my.cnf", "[mysql]\n"+early+"\n") }, want: "it stands in the group [mysql], which mysqld does not read", cure: "Move it"},
		{name: "no plugin library", plant: func(w *world) { w.do(os.Remove(w.at("plugins/keyring_okv.so"))) }, want: "$D/plugins/keyring_okv.so: no such file", cure: "Install it there"},
		{name: "library is none", plant: func(w *world) { w.write("plugins/keyring_okv.so", "#!/bin/sh\n") }, want: "$D/plugins/keyring_okv.so: it is not a shared library", cure: "Install the right file"},
		{name: "path in plugin", plant: func(w *world) { w.myCnf("early-plugin-load=/usr/lib/keyring_okv.so", dir(w)) }, want: "/usr/lib/keyring_okv.so has a path in it", cure: "Write keyring_okv.so"},
		{name: "no .so", plant: func(w *world) { w.myCnf("early-plugin-load=keyring_okv", dir(w)) }, want: "keyring_okv is no file name of a library", cure: "Write keyring_okv.so."},
		{name: "early-plugin-load twice", plant: func(w *world) { w.myCnf(early, "early_plugin_load=keyring_udf.so", dir(w)) }, want: "early_plugin_load ($D/my.cnf, line 7): it does not count, since it stands in $D/my.cnf, line 8, again, so that keyring_okv is not loaded", cure: "one list"},
		{name: "plugin_dir absent", plant: myCnf("plugin_dir=$D/nowhere", early, "keyring_okv_conf_dir=$D/okv"), want: "$D/nowhere is not a directory", cure: "Correct it."},
		{name: "everyone can write my.cnf", plant: func(w *world) { w.do(os.Chmod(w.at("my.cnf"), 0o666)) }, want: "$D/my.cnf: everyone on this host can change it, and so the server ignores it", cure: "chmod o-w"},
		{name: "option before a group", plant: func(w *world) { w.write("my.cnf", early+"\n[mysqld]\n") }, want: "$D/my.cnf, line 1: an option stands before any group", cure: "Write [mysqld]"},
		{name: "open bracket", plant: func(w *world) { w.write("my.cnf", "[mysqld\n"+early+"\n") }, want: "line 1: a group's name has no closing bracket", cure: "Write [mysqld]."},
		{name: "includedir absent", plant: myCnf("!includedir $D/absent.d"), want: "$D/absent.d: no such file or directory: the server does not start", cure: "Make the folder"},
		{name: "include absent", plant: myCnf("!include $D/absent.cnf"), want: "$D/absent.cnf: no such file", cure: "Correct the line", level: levelWarn},
		{name: "another early-plugin-load in an include", plant: func(w *world) {
			w.write("conf.d/z.cnf", "[mysqld]\nearly-plugin-load=keyring_aws.so\n")
			w.myCnf(early, dir(w), "!includedir "+w.at("conf.d"))
		}, want: "it does not count, since it stands in $D/conf.d/z.cnf, line 2, again, so that keyring_okv is not loaded", cure: "one list"},
		{name: "no keyring", plant: myCnf("port=1"), want: "no keyring is enabled", cure: "Load a plugin", level: levelWarn},
		// okvclient.ora, ssl and the key servers
		{name: "no port", plant: ora("SERVER=kms\n"), want: `SERVER ($D/okv/okvclient.ora, line 1): "kms" has no port`, cure: "Write host:port"},
		{name: "key of another", plant: func(w *world) { w.write("okv/ssl/key.pem", string(w.read(w.ca.Client("x").KeyFile))) }, want: "the private key does not belong to the certificate", cure: "made for each other"},
		{name: "readable key", plant: func(w *world) {
			w.do(errors.Join(os.Chmod(w.at("okv"), 0o755), os.Chmod(w.at("okv/ssl"), 0o755), os.Chmod(w.at("okv/ssl/key.pem"), 0o644)))
		}, want: "$D/okv/ssl/key.pem: everyone on this host can read it", cure: "chmod o-rwx", level: levelWarn},
		{name: "nobody listens", plant: ora("SERVER=127.0.0.1:1\n"), want: "key server 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused", cure: "Start the key server"},
		{name: "dead standby", plant: ora("SERVER=$S\nSTANDBY_SERVER=127.0.0.1:1\n"), want: "key server 127.0.0.1:1: ", cure: "Start the key server", level: levelWarn},
		{name: "no such host", plant: ora("SERVER=kms.invalid:5696\n"), want: "key server kms.invalid:5696: lookup kms.invalid", cure: "name resolution"},
		{name: "another authority", plant: func(w *world) { w.write("okv/ssl/CA.pem", string(w.read(kmiptest.NewAuthority(w.t).CertFile))) }, want: "is not trusted", cure: "into $D/okv/ssl/CA.pem"},
		{name: "another's name", plant: func(w *world) {
			addr := kmiptest.NewServer(w.t, w.ca.ServerConfig(w.ca.Server("kms.test")), w.keeper.Handle).Addr
			w.write("okv/okvclient.ora", "SERVER="+addr+"\n")
		}, want: `the server's certificate is for kms.test, not for "127.0.0.1"`, cure: "DBKEYRING_VERIFY_SERVER_NAME=no"},
		{name: "expired server", plant: func(w *world) {
			expired := w.ca.Issue("old", kmiptest.NewKey(w.t), &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(-time.Minute)})
			w.write("okv/okvclient.ora", "SERVER="+kmiptest.NewServer(w.t, w.ca.ServerConfig(expired), w.keeper.Handle).Addr+"\n")
		}, want: "expired", cure: "Renew the key server's certificate"},
		{name: "refused client", plant: func(w *world) {
			// It refuses with an alert, which a reset connection may swallow.
			addr := kmiptest.NewServer(w.t, kmiptest.NewAuthority(w.t).ServerConfig(w.ca.Server()), w.keeper.Handle).Addr
			w.write("okv/okvclient.ora", "SERVER="+addr+"\n")
		}, want: "the server ", cure: "$D/okv/ssl/cert.pem"},
		{name: "not TLS", plant: func(w *world) {
			plain, err := net.Listen("tcp", "127.0.0.1:0")
			w.do(err)
			w.t.Cleanup(func() { plain.Close() })
			go func() {
				for {
					c, err := plain.Accept()
					if err != nil {
						return
					}
					fmt.Fprint(c, "SSH-2.0-x\r\n")
					c.Close()
				}
			}()
			w.write("okv/okvclient.ora", "SERVER="+plain.Addr().String()+"\n")
		}, want: "does not speak TLS", cure: "usually 5696"},
		{name: "a server that says nothing", plant: func(w *world) {
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			w.do(err)
			w.t.Cleanup(func() { silent.Close() })
			w.write("okv/okvclient.ora", "SERVER="+silent.Addr().String()+"\n")
		}, want: "deadline exceeded", cure: "no firewall is in between, or raise DBKEYRING_CONNECT_TIMEOUT_MS"},
		{name: "a server that does not Create", plant: func(w *world) {
			addr := kmiptest.NewServer(w.t, w.ca.ServerConfig(w.ca.Server()), func(m *kmip.RequestMessage) *kmip.ResponseMessage {
				answer := w.keeper.Handle(m)
				for i := range answer.Items {
					if q, ok := answer.Items[i].Payload.(*kmip.QueryResponse); ok {
						q.Operations = slices.DeleteFunc(q.Operations, func(op kmip.Operation) bool { return op == kmip.OpCreate || op == kmip.OpDestroy })
					}
				}
				return answer
			}).Addr
			w.write("okv/okvclient.ora", "SERVER="+addr+"\n")
		}, want: "it does not do Destroy, Create", cure: "Allow the client"},
		// The manifest and its components
		{name: "three slashes", plant: urn("file:///component_keyring_kmip"), by: (*world).checkManifest, want: `"file:///component_keyring_kmip" has more than two slashes`, cure: "Write file://component_keyring_kmip."},
		{name: "blanks in the list", plant: urn("file://component_keyring_kmip, file://component_x"), by: (*world).checkManifest, want: `" file://component_x" has blanks around it`, cure: "without blanks"},
		{name: ".so in the URN", plant: urn("file://component_keyring_kmip.so"), by: (*world).checkManifest, want: "ends in .so", cure: "Write file://component_keyring_kmip."},
		{name: "no scheme", plant: urn("component_keyring_kmip"), by: (*world).checkManifest, want: "does not begin with file://", cure: "Write file://component_keyring_kmip."},
		{name: "path in the URN", plant: urn("file://plugins/component_keyring_kmip"), by: (*world).checkManifest, want: "has a path in it", cure: "Write file://component_keyring_kmip."},
		{name: "trailing comma", plant: urn("file://component_keyring_kmip,"), by: (*world).checkManifest, want: "has an empty item", cure: "Take out the comma"},
		{name: "two components", plant: func(w *world) {
			w.manifest("file://component_keyring_kmip,file://component_keyring_file")
			w.write("plugins/component_keyring_file.cnf", `{"path": "`+w.at("data/keys")+`", "read_only": false}`)
		}, by: (*world).checkManifest, want: "more than one keyring is enabled: component_keyring_kmip, component_keyring_file", cure: "Keep one"},
		{name: "manifest is no JSON", plant: func(w *world) { w.write("mysqld.my", `{"components": "file://component_keyring_kmip",}`) }, by: (*world).checkManifest, want: "$D/mysqld.my, line 1: it is not JSON", cure: "Write one JSON object"},
		{name: "manifest is a list", plant: func(w *world) { w.write("mysqld.my", `["components"]`) }, by: (*world).checkManifest, want: "it is not a JSON object", cure: "Write one JSON object"},
		{name: "no components", plant: func(w *world) { w.write("mysqld.my", `{"component": "x"}`) }, by: (*world).checkManifest, want: "components ($D/mysqld.my): it is missing", cure: `"components": "file://`},
		{name: "components is a list", plant: func(w *world) { w.write("mysqld.my", `{"components": ["file://component_keyring_kmip"]}`) }, by: (*world).checkManifest, want: "a list where a string is needed", cure: "double quotes"},
		{name: "read_local_manifest is a string", plant: func(w *world) {
			w.write("mysqld.my", `{"read_local_manifest": "false", "components": "file://component_keyring_kmip"}`)
		}, by: (*world).checkManifest, want: "a string where true or false is needed: the server does not start", cure: "without quotes"},
		{name: "no local manifest", plant: func(w *world) { w.write("mysqld.my", config.ManifestPointer) }, by: (*world).checkManifest, want: "$D/data/mysqld.my: there is no such file", cure: "Write it"},
		{name: "local manifest with components in the global one", plant: func(w *world) {
			w.write("mysqld.my", `{"read_local_manifest": true, "components": "file://component_x"}`)
			w.write("data/mysqld.my", config.ManifestLocal(percona.Component))
		}, by: (*world).checkManifest, want: "it does not count, since read_local_manifest is true", cure: "Take one", level: levelWarn},
		{name: "empty manifest", plant: func(w *world) { w.write("mysqld.my", "") }, by: (*world).checkManifest, want: "it is empty: the server starts without a keyring", cure: "Write {"},
		{name: "writable manifest", plant: func(w *world) { w.do(os.Chmod(w.at("mysqld.my"), 0o666)) }, by: (*world).checkManifest, want: "others than its owner can change it", cure: "chmod go-w", level: levelWarn},
		{name: "no component library", plant: func(w *world) { w.do(os.Remove(w.at("plugins/component_keyring_kmip.so"))) }, by: (*world).checkManifest, want: "$D/plugins/component_keyring_kmip.so: no such file", cure: "Install it"},
		{name: "no .cnf", plant: func(w *world) { w.do(os.Remove(w.at("plugins/component_keyring_kmip.cnf"))) }, by: (*world).checkManifest, want: "$D/plugins/component_keyring_kmip.cnf: there is no such file", cure: "Write it"},
		{name: "no local .cnf", plant: func(w *world) { w.write("plugins/component_keyring_kmip.cnf", config.ConfigPointer) }, by: (*world).checkManifest, want: "$D/data/component_keyring_kmip.cnf: there is no such file", cure: "Put the configuration into the data directory"},
		{name: ".cnf is no JSON", plant: func(w *world) { w.write("plugins/component_keyring_kmip.cnf", "server_addr = kms\n") }, by: (*world).checkManifest, want: "it is not JSON", cure: "Write one JSON object"},
		{name: "two products mixed", plant: func(w *world) {
			w.write("plugins/component_keyring_kmip.cnf", `{"server_addr": "a", "kmip_configuration_directory": "/x"}`)
		}, by: (*world).checkManifest, want: "it mixes the options of two components of the same name", cure: "Keep the options of one"},
		{name: "read_only missing", plant: func(w *world) {
			w.manifest("file://component_keyring_file")
			w.write("plugins/component_keyring_file.cnf", `{"path": "`+w.at("data/keys")+`"}`)
		}, by: (*world).checkManifest, want: "read_only ($D/plugins/component_keyring_file.cnf): it is missing", cure: `"read_only": false`},
		{name: "no folder for the data file", plant: func(w *world) {
			w.manifest("file://component_keyring_file")
			w.write("plugins/component_keyring_file.cnf", `{"path": "`+w.at("none/keys")+`", "read_only": false}`)
		}, by: (*world).checkManifest, want: "there is no folder $D/none", cure: "Make the folder"},
		{name: "damaged data file", plant: func(w *world) {
			w.manifest("file://component_keyring_file")
			w.write("plugins/component_keyring_file.cnf", `{"path": "`+w.at("data/keys")+`", "read_only": false}`)
			w.write("data/keys", `{"version":"1.0","elements":[{`)
		}, by: (*world).checkManifest, want: "$D/data/keys: it cannot be opened", cure: "Restore"},
		{name: "readable data file", plant: func(w *world) {
			w.manifest("file://component_keyring_file")
			w.write("plugins/component_keyring_file.cnf", `{"path": "`+w.at("data/keys")+`", "read_only": false}`)
			w.write("data/keys", `{"version":"1.0","elements":[]}`)
		}, by: (*world).checkManifest, want: "everyone on this host can read or change the keys", cure: "chmod o-rwx", level: levelWarn},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.plant(w)
			by, level, want := c.by, c.level, 1
			if by == nil {
				by = (*world).checkMyCnf
			}
			if level == "" {
				level = levelFail
			} else {
				want = 0
			}
			code, k := by(w)
			if code != want {
				t.Errorf("exit code %d: %v", code, k.Findings)
			}
			in := strings.NewReplacer("$D", w.dir)
			for _, f := range k.Findings {
				if f.Level == level && strings.Contains(f.String(), in.Replace(c.want)) {
					if !strings.Contains(f.String(), in.Replace(c.cure)) {
						t.Errorf("the cure is: %s", f)
					}
					return
				}
			}
			t.Errorf("not found: %v", k.Findings)
		})
	}
}
