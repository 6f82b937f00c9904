//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/config/okv"
)

// What the document promises of keyring_okv: its two SQL examples, keys of each
// type and length, encrypted tables, rotation, and all of it after a restart.
func TestOKV(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		dir := ks.okv()
		m := newMySQL(t, "--skip-log-bin").useOKV(dir)
		m.start().functions()
		m.want("ACTIVE", "SELECT PLUGIN_STATUS FROM INFORMATION_SCHEMA.PLUGINS WHERE PLUGIN_NAME = ?", plugin)

		t.Log("the document's examples")
		m.want("1", "SELECT keyring_key_generate('MyKey', 'AES', 32)")
		m.want("32", "SELECT keyring_key_length_fetch('MyKey')")
		m.want("1", "SELECT keyring_key_remove('MyKey')")
		m.want("NULL", "SELECT keyring_key_fetch('MyKey')")
		m.want("1", "SELECT keyring_key_generate('MyKey', 'AES', 32)") // the name is free again

		values := testOKVFunctions(t, m)
		m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)",
			"ALTER INSTANCE ROTATE INNODB MASTER KEY", "CREATE TABLE e2e.u (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.u VALUES (43)")
		m.want("1", "SELECT COUNT(*) FROM performance_schema.keyring_keys WHERE KEY_ID = 'MyKey' AND KEY_OWNER = 'root@localhost'")
		listed := m.query("SELECT KEY_OWNER, KEY_ID FROM performance_schema.keyring_keys ORDER BY 1, 2")
		if onServer := ks.keysOf(dir); len(onServer) != len(listed) {
			t.Errorf("performance_schema lists %d keys, the key server %d: %v", len(listed), len(onServer), onServer)
		}

		m.restart()
		m.want("42", "SELECT v FROM e2e.t")
		m.want("43", "SELECT v FROM e2e.u")
		for id, value := range values {
			m.want(value, "SELECT HEX(keyring_key_fetch(?))", id)
		}
		if again := m.query("SELECT KEY_OWNER, KEY_ID FROM performance_schema.keyring_keys ORDER BY 1, 2"); !slices.EqualFunc(listed, again, slices.Equal) {
			t.Errorf("performance_schema.keyring_keys changed by a restart:\n%v\n%v", listed, again)
		}
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.want("42", "SELECT v FROM e2e.t")
		m.stop()
	})
}

// testOKVFunctions makes a key of each type and length, and some that cannot be.
// It returns those that there are, in hexadecimal.
func testOKVFunctions(t *testing.T, m *MySQL) map[string]string {
	values := map[string]string{}
	for _, c := range []struct {
		typ   string
		bytes int
		fault string // what the log says of it, empty: it works
	}{
		{"AES", 16, ""}, {"AES", 24, ""}, {"AES", 32, ""}, {"aes", 32, ""},
		{"SECRET", 1, ""}, {"SECRET", 20, ""}, {"SECRET", 32, ""}, {"SECRET", 1000, ""},
		{"AES", 8, "AES"}, {"AES", 33, "AES"}, {"AES", 64, "AES"},
		{"RSA", 128, "RSA"}, {"DSA", 128, "DSA"},
	} {
		for _, how := range []string{"generate", "store"} {
			id := fmt.Sprint(how, c.typ, c.bytes)
			want, before := "1", len(m.reported())
			if c.fault != "" {
				want = "NULL"
			}
			if how == "generate" {
				m.want(want, "SELECT keyring_key_generate(?, ?, ?)", id, c.typ, c.bytes)
			} else {
				m.want(want, "SELECT keyring_key_store(?, ?, ?)", id, c.typ, strings.Repeat("k", c.bytes))
			}
			if c.fault != "" {
				m.want("NULL", "SELECT keyring_key_fetch(?)", id)
				if said := strings.Join(m.reported()[before:], "\n"); !strings.Contains(said, id) || !strings.Contains(said, c.fault) {
					t.Errorf("%s: the log does not say why: %q", id, said)
				}
				continue
			}
			m.want(strconv.Itoa(c.bytes), "SELECT keyring_key_length_fetch(?)", id)
			m.want(c.typ, "SELECT keyring_key_type_fetch(?)", id)
			values[id] = m.value("SELECT HEX(keyring_key_fetch(?))", id)
			m.want("NULL", "SELECT keyring_key_generate(?, ?, ?)", id, c.typ, c.bytes) // it exists
			m.want(values[id], "SELECT HEX(keyring_key_fetch(?))", id)
		}
	}
	seen := map[string]string{}
	for id, value := range values {
		if other, ok := seen[value]; ok && strings.HasPrefix(id, "generate") && len(value) >= 32 {
			t.Errorf("%s and %s are the same key", id, other)
		}
		seen[value] = id
	}
	return values
}

// With no directory the plugin warns in the document's words and the server runs
// on; one that is named later makes the keyring work. UNINSTALL PLUGIN and INSTALL
// PLUGIN take it out and in as often as one likes.
func TestOKVWithoutDirectory(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useOKV("")
	m.start().functions()
	if got := m.reported(); len(got) != 1 || got[0] != "[Warning] For keyring_okv to be initialized, please point the keyring_okv_conf_dir variable to a directory containing Oracle Key Vault configuration file and ssl materials" {
		t.Errorf("the plugin reports %q", got)
	}
	m.want("", "SELECT @@GLOBAL.keyring_okv_conf_dir")
	m.want("NULL", "SELECT keyring_key_generate('k', 'AES', 32)")
	m.exec("CREATE TABLE e2e.plain (v INT)", "INSERT INTO e2e.plain VALUES (1)")
	if err := m.try("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'"); err == nil {
		t.Error("a table was encrypted without a keyring")
	}

	dir := ks.okv()
	if err := m.setConfDir(dir); err != nil {
		t.Fatal(err)
	}
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	key := m.value("SELECT HEX(keyring_key_fetch('k'))")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	for round := range 5 {
		m.exec("UNINSTALL PLUGIN " + plugin)
		m.want("NULL", "SELECT keyring_key_fetch('k')")
		m.want("42", "SELECT v FROM e2e.t") // InnoDB has its key in memory
		m.exec("INSTALL PLUGIN " + plugin + " SONAME '" + plugin + ".so'")
		if err := m.setConfDir(dir); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	}
	m.stop()
}

// SET GLOBAL changes to another directory. A bad one is refused with the reason,
// and the old one stays in use. SET PERSIST lasts beyond a restart.
func TestOKVSetGlobal(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	good := shortTimes(t, ks.okv())
	m := newMySQL(t, "--skip-log-bin").useOKV("")
	m.start("--keyring_okv_conf_dir=" + good).functions()
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")

	bad := func(change func(dir string)) string {
		dir := copyOKV(t, good)
		change(dir)
		return dir
	}
	closed := closedAddr(t)
	many := "SERVER=" + ks.addr() + "\nSTANDBY_SERVER=" + closed
	for range 64 {
		many += ",127.0.0.1:" + strconv.Itoa(freePort(t))
	}
	for _, c := range []struct {
		name, dir string
		want      []string
	}{
		{"empty", "", []string{"it must name a directory", "UNINSTALL PLUGIN keyring_okv"}},
		{"no such directory", good + "/none", []string{good + "/none", "there is no such directory"}},
		{"65 standbys", bad(func(dir string) { setOra(t, dir, many) }), []string{"Number of STANDBY_SERVER values exceeded maximum limit of 64: it has 65."}},
		{"no SERVER", bad(func(dir string) { setOra(t, dir, "STANDBY_SERVER="+ks.addr()) }), []string{"SERVER (", "it is missing"}},
		{"another authority", bad(func(dir string) { newAuthority(t, dir); copyFile(t, dir+"/ca.pem", dir+"/ssl/CA.pem") }), []string{"is not trusted"}},
		{"nobody there", bad(func(dir string) { setOra(t, dir, "SERVER="+closed) }), []string{closed, "connection refused", "Start the key server"}},
	} {
		before := len(m.reported())
		err := m.setConfDir(c.dir)
		if err == nil {
			t.Errorf("%s: SET GLOBAL worked", c.name)
			continue
		}
		said := err.Error() + strings.Join(m.reported()[before:], "\n")
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: neither the error nor the log has %q:\n%s", c.name, want, said)
			}
		}
		// The reason stands in the statement's own error, as far as it has room.
		if !strings.Contains(err.Error(), "keyring_okv_conf_dir") {
			t.Errorf("%s: the error is %v", c.name, err)
		}
		m.want(good, "SELECT @@GLOBAL.keyring_okv_conf_dir")
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
	}
	if err := m.try("SET GLOBAL keyring_okv_conf_dir = DEFAULT"); err == nil {
		t.Error("SET GLOBAL … = DEFAULT worked")
	}
	m.want("1", "SELECT keyring_key_generate('after', 'AES', 32)")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")

	t.Log("another client of the key server has other keys")
	other := ks.okv()
	if err := m.setConfDir(other); err != nil {
		t.Fatal(err)
	}
	m.want("NULL", "SELECT keyring_key_fetch('kept')")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'another')")
	m.want(other, "SELECT @@GLOBAL.keyring_okv_conf_dir")

	t.Log("SET PERSIST")
	if err := m.try("SET PERSIST keyring_okv_conf_dir = ?", good); err != nil {
		t.Fatal(err)
	}
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.restart()
	m.want(good, "SELECT @@GLOBAL.keyring_okv_conf_dir")
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.want("42", "SELECT v FROM e2e.t")
	m.stop()
}

// mysqld --daemonize forks before it loads a plugin. And SIGTERM ends mysqld
// cleanly every time, with the plugin in use.
func TestOKVDaemonizeAndShutdown(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useOKV(ks.okv())
	for round := range 5 {
		if round == 0 {
			m.startDaemon("run/daemon.log")
		} else {
			m.start()
		}
		if round == 0 {
			m.functions()
			m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
		}
		m.want("42", "SELECT v FROM e2e.t")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.stop()
	}
}

// Two keyrings of ours in one server are warned about: MySQL asks only one.
func TestOKVBesideComponent(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useOKV(ks.okv()).useKMIP(ks.Config)
	m.start().functions()
	m.said("[Warning] keyring_okv is loaded beside component_keyring_kmip, and the server asks only one of them")
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	if got := m.status("Component_name"); got != component {
		t.Errorf("Component_name = %q", got)
	}
	m.stop()
}

// Two MySQL servers with the certificate of one are warned about.
func TestOKVTwoServersWithOneCertificate(t *testing.T) {
	t.Parallel()
	dir := newKeyServer(t).okv()
	var uuids []string
	for i := range 2 {
		m := newMySQL(t, "--skip-log-bin").useOKV(dir)
		m.start()
		uuids = append(uuids, m.value("SELECT @@server_uuid"))
		m.exec("CREATE DATABASE e2e", "CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'")
		if i > 0 {
			m.said("[Warning] MySQL server " + uuids[1] + " makes an InnoDB key where there are keys of " + uuids[0] +
				"; each MySQL Server must be registered separately")
		}
		m.stop()
	}
}

// A key with a password, in the forms that `openssl rsa -des3` writes and wrote.
func TestOKVPasswordProtectedKey(t *testing.T) {
	t.Parallel()
	ks := newPyKMIP(t, true)
	plain := ks.okv()
	protect := func(password string, traditional bool) string {
		dir := copyOKV(t, plain)
		writeFile(t, dir+"/ssl/password.txt", password+"\n", 0o600)
		args := []string{"rsa", "-des3", "-in", dir + "/ssl/key.pem", "-out", dir + "/ssl/key.pem.new", "-passout", "pass:open sesame"}
		form := "BEGIN ENCRYPTED PRIVATE KEY"
		if traditional {
			args, form = append(args, "-traditional"), "DEK-Info: DES-EDE3-CBC"
		}
		if out, err := command(t, 20*time.Second, "openssl", args...); err != nil {
			t.Fatalf("openssl: %v: %s", err, out)
		}
		copyFile(t, dir+"/ssl/key.pem.new", dir+"/ssl/key.pem")
		if !strings.Contains(readFile(t, dir+"/ssl/key.pem"), form) {
			t.Fatalf("openssl has not written the form %s", form)
		}
		return dir
	}
	pkcs8, traditional := protect("open sesame", false), protect("open sesame", true)
	m := newMySQL(t, "--skip-log-bin").useOKV("")
	m.start("--" + okv.Variable + "=" + pkcs8).functions()
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	for _, old := range []bool{false, true} {
		wrong := protect("open barley", old)
		err := m.setConfDir(wrong)
		if err == nil {
			t.Error("a wrong password was accepted")
			continue
		}
		m.said("the password does not open the private key. Correct the password in " + wrong + "/ssl/password.txt")
		if strings.Contains(m.log()+err.Error(), "open barley") {
			t.Errorf("the password is in the log or in %v", err)
		}
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
	}
	m.restart("--" + okv.Variable + "=" + traditional)
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.want("42", "SELECT v FROM e2e.t")
	m.want("1", "SELECT keyring_key_generate('more', 'AES', 16)")
	m.stop()
}

// MySQL's migration server takes the keys from our plugin to our component, and
// back; what they encrypt is readable with either.
func TestOKVMigrationServer(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	dir := ks.okv()
	m := newMySQL(t, "--skip-log-bin")
	m.useOKV(dir).start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('given', 'SECRET', 'a secret')")
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 24)")
	made := m.value("SELECT HEX(keyring_key_fetch('made'))")
	m.stop()
	readable := func() {
		t.Helper()
		m.want("42", "SELECT v FROM e2e.t")
		m.want("a secret", "SELECT keyring_key_fetch('given')")
		m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
	}
	migrate := func(source, destination, flag string, more ...string) {
		t.Helper()
		m.OptionFile = ""
		m.noManifest() // either keyring is loaded for the migration only
		all := m.options(append([]string{"--keyring-migration-source=" + source + ".so",
			"--keyring-migration-destination=" + destination + ".so", flag, "--log-error-verbosity=3"}, more...)...)
		out, err := command(t, time.Minute, m.path("bin/mysqld"), all...)
		if err != nil || !strings.Contains(out, "Keyring migration successful") {
			t.Fatalf("mysqld %v: %v:\n%s", all, err, out)
		}
		if strings.Contains(out, "is loaded beside") {
			t.Errorf("two keyrings are no fault in a migration:\n%s", out)
		}
	}

	ks.Config.write(t, m.path("plugins", component+".cnf"))
	migrate(plugin, component, "--keyring-migration-to-component", "--"+okv.Variable+"="+dir)
	m.useKMIP(ks.Config).start()
	readable()
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "CREATE TABLE e2e.later (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.later VALUES (7)")
	m.want("1", "SELECT keyring_key_generate('later', 'AES', 32)")
	m.stop()

	back := ks.okv()
	migrate(component, plugin, "--keyring-migration-from-component", "--"+okv.Variable+"="+back)
	m.useOKV(back).start()
	readable()
	m.want("7", "SELECT v FROM e2e.later")
	m.want("32", "SELECT keyring_key_length_fetch('later')")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.stop()
}
