//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// The manifests of Percona's documentation of component_keyring_kmip and both
// places of the configuration file, with its relative paths.
func TestManifests(t *testing.T) {
	t.Parallel()
	const (
		global    = `{"read_local_manifest": false, "components": "file://component_keyring_kmip"}`
		pointing  = `{"read_local_manifest": true}`
		local     = `{"components": "file://component_keyring_kmip"}`
		none      = ""
		confDir   = "plugins"
		confLocal = "data"
	)
	for name, c := range map[string]struct{ manifest, localManifest, conf string }{
		"global manifest, global configuration":   {global, none, confDir},
		"global manifest, local configuration":    {global, none, confLocal},
		"local manifest, global configuration":    {pointing, local, confDir},
		"local manifest, local configuration":     {pointing, local, confLocal},
		"manifest without the optional attribute": {local, none, confDir},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ks := newKeyServer(t)
			m := newMySQL(t, "--skip-log-bin")
			m.installModules("lib")
			m.manifest(c.manifest)
			if c.localManifest != none {
				writeFile(t, m.path("data/mysqld.my"), c.localManifest, 0o444)
			}
			// As in the document: names without a folder, the files beside the
			// configuration. The tests start mysqld in another folder.
			conf := ks.Config
			for key, file := range map[string]string{
				"client_ca": "client_certificate.pem", "client_key": "client_key.pem", "server_ca": "root_certificate.pem",
			} {
				copyFile(t, ks.Config[key].(string), m.path(c.conf, file))
				conf = conf.with(config{key: file})
			}
			if c.conf == confLocal {
				// Of a global file that says so nothing else counts.
				config{"read_local_config": true, "server_addr": "nowhere.invalid"}.write(t, m.path("plugins", component+".cnf"))
			}
			conf.write(t, m.path(c.conf, component+".cnf"))

			m.start()
			if got := m.status("Component_status"); got != "Active" {
				t.Fatalf("Component_status = %q; log:\n%s", got, tail(m.log()))
			}
			m.exec("CREATE DATABASE e2e", "CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (1)",
				// By now the current directory is another.
				"ALTER INSTANCE RELOAD KEYRING")
			m.restart()
			m.want("1", "SELECT v FROM e2e.t")
			m.stop()
			if len(ks.keys()) == 0 {
				t.Error("the key server has no key of this MySQL")
			}
		})
	}
}

// What `endpoint add --for mysql` writes works as it is, copied to its places.
func TestEndpointFilesAsWritten(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin")
	m.installModules("lib")
	files, err := os.ReadDir(filepath.Join(ks.dir, "mysql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to := m.path("plugins", f.Name())
		if f.Name() == "mysqld.my" {
			to = m.path("bin/mysqld.my")
		}
		copyFile(t, filepath.Join(ks.dir, "mysql", f.Name()), to)
	}
	m.start()
	m.exec("CREATE DATABASE e2e", "CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'")
	m.stop()
}
