//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

const (
	uninstallAWS = "UNINSTALL PLUGIN " + awsPlugin
	installAWS   = "INSTALL PLUGIN " + awsPlugin + " SONAME '" + awsPlugin + ".so'"
)

// The document's credential change by UNINSTALL and INSTALL PLUGIN, its side effect
// included; and ours, for which the file is enough.
func TestAWSCredentialChange(t *testing.T) {
	t.Parallel()
	s, arn := stubKMS(t)
	s.Credentials(accessKey)
	m := newMySQL(t, "--skip-log-bin").useAWS(s.URL, cmk(arn))
	m.start().functions()
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	key := m.value("SELECT HEX(keyring_key_fetch('k'))")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	fresh := func(n int) awskms.Credentials {
		return awskms.Credentials{AccessKeyID: fmt.Sprintf("AKIAI44QH8DHBEXAMP%02d", n), SecretAccessKey: fmt.Sprintf("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLE%02d", n)}
	}

	for round := range 3 {
		s.Credentials(fresh(round))
		before := len(m.log())
		m.want("NULL", "SELECT keyring_key_fetch('k')") // the old ones are no longer valid
		m.logged(before, "UnrecognizedClientException", "Correct the access key ID and the secret access key", m.awsConf())
		m.setAWSConf(fresh(round))
		m.exec(uninstallAWS)
		m.want("NULL", "SELECT keyring_key_fetch('k')")
		m.want("42", "SELECT v FROM e2e.t") // InnoDB has its key in memory
		m.exec(installAWS)
		m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
		m.want("1", "SELECT COUNT(*) FROM mysql.plugin WHERE name = ?", awsPlugin)
	}

	t.Log("the file alone")
	for n := 10; n < 13; n++ {
		s.Credentials(fresh(n))
		m.setAWSConf(fresh(n))
		m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("file", n))
	}
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")

	t.Log("INSTALL PLUGIN with a file that does not hold two lines")
	const secret = "a secret that is not to be seen"
	good := readFile(t, m.awsConf())
	m.exec(uninstallAWS)
	for name, c := range map[string]struct {
		text string // "": no file
		want []string
	}{
		"no file":           {"", []string{m.awsConf(), "there is no such file", "Write two lines"}},
		"an empty file":     {"\n", []string{m.awsConf(), "it is empty", "Write two lines"}},
		"one line":          {accessKey.AccessKeyID + "\n", []string{m.awsConf(), "it has one line only"}},
		"three lines":       {good + secret + "\n", []string{m.awsConf() + ", line 3: there is a third line"}},
		"lines in disorder": {accessKey.SecretAccessKey + "\n" + accessKey.AccessKeyID + "\n", []string{"line 2: it is a secret access key ID, which belongs into line 1"}},
	} {
		writeFile(t, m.awsConf(), c.text, 0o640)
		if c.text == "" {
			if err := os.Remove(m.awsConf()); err != nil {
				t.Fatal(err)
			}
		}
		before := len(m.log())
		if err := m.try(installAWS); err == nil {
			t.Errorf("%s: INSTALL PLUGIN worked", name)
			m.exec(uninstallAWS)
			continue
		}
		m.logged(before, append(c.want, "[ERROR]", "After the cure: "+installAWS)...)
		for _, hidden := range []string{secret, accessKey.SecretAccessKey} {
			if strings.Contains(m.log(), hidden) {
				t.Errorf("%s: a secret is in the log:\n%s", name, tail(m.log()))
			}
		}
	}
	writeFile(t, m.awsConf(), good, 0o640)
	if err := os.Chmod(m.awsConf(), 0o644); err != nil {
		t.Fatal(err)
	}
	before := len(m.log())
	m.exec(installAWS)
	m.logged(before, "[Warning]", "everyone on this host can read the secret access key", "chmod o-r "+m.awsConf())
	m.want(key, "SELECT HEX(keyring_key_fetch('k'))")

	m.restart() // by the option and by mysql.plugin
	m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
	m.want("42", "SELECT v FROM e2e.t")
	m.stop()
}

// A storage file that was damaged or swapped is refused, told, and never overwritten;
// what is in memory stays readable.
func TestAWSDataFile(t *testing.T) {
	t.Parallel()
	s, arn := stubKMS(t)
	m := newMySQL(t, "--skip-log-bin").useAWS(s.URL, cmk(arn))
	// Its folder need not be there either.
	data := m.path("run/made/by/keyring_aws/data")
	m.start("--" + keyringaws.VariableData + "=" + data).functions().awsFunctions()
	for path, mode := range map[string]os.FileMode{data: 0o640, filepath.Dir(data): 0o750, filepath.Dir(filepath.Dir(data)): 0o750} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	empty := readFile(t, data)
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	key := m.value("SELECT HEX(keyring_key_fetch('k'))")
	old := readFile(t, data)
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	whole := readFile(t, data)
	flip := func(at int) string {
		b := []byte(whole)
		b[at] ^= 1
		return string(b)
	}
	wrong := map[string]string{
		"a byte in the header": flip(30), "a byte of a blob": flip(len(whole) - 30), "the last byte": flip(len(whole) - 1),
		"half": whole[:len(whole)/2], "a line less": whole[:strings.LastIndex(strings.TrimSuffix(whole, "\n"), "\n")+1], "nothing in it": "", "an older one": old,
		"the new one": empty, "another keyring's": strings.Replace(old, `"keyring":"`, `"keyring":"0`, 1),
	}
	for name, text := range wrong {
		writeFile(t, data, text, 0o640)
		before := len(m.log())
		m.want("NULL", "SELECT keyring_key_generate('over', 'AES', 32)")
		m.want("NULL", "SELECT keyring_key_remove('k')")
		if err := m.try("SELECT keyring_aws_rotate_keys()"); err == nil {
			t.Errorf("%s: keyring_aws_rotate_keys() worked", name)
		}
		m.logged(before, "[ERROR]", "ncorrect keyring file", data)
		m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
		m.want("42", "SELECT v FROM e2e.t")
		if readFile(t, data) != text {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	m.want("NULL", "SELECT keyring_key_generate('over', 'AES', 32)")
	m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
	if _, err := os.Stat(data); err == nil {
		t.Error("a file that was taken away was made anew")
	}
	writeFile(t, data, whole, 0o640)
	m.want("1", "SELECT keyring_key_generate('over', 'AES', 32)")
	m.want("1", "SELECT keyring_key_remove('over')")

	t.Log("loaded with a file that is damaged")
	whole = readFile(t, data)
	m.exec(uninstallAWS)
	for _, text := range []string{flip(30), flip(len(whole) / 2), whole[:len(whole)/2], "no file of ours"} {
		writeFile(t, data, text, 0o640)
		before := len(m.log())
		if err := m.try(installAWS); err == nil {
			m.want("NULL", "SELECT keyring_key_fetch('k')")
			m.want("NULL", "SELECT keyring_key_generate('over', 'AES', 32)")
			m.exec(uninstallAWS)
		}
		m.logged(before, "[ERROR]", data)
		if readFile(t, data) != text {
			t.Error("a damaged file was overwritten by INSTALL PLUGIN")
		}
	}
	writeFile(t, data, whole, 0o640)
	m.exec(installAWS)
	m.want(key, "SELECT HEX(keyring_key_fetch('k'))")
	m.stop()
}

// awsInTime ends what waits for a dead AWS KMS within the tests' limits.
func (m *MySQL) awsInTime() *MySQL {
	m.t.Helper()
	m.setAWSConf(accessKey, fmt.Sprint("timeout_ms=", timeoutMS))
	return m
}

// An AWS KMS that is down when MySQL starts, and while it runs: the server is up, says
// why, and all works when AWS KMS is back. No key is held in the meantime, so none can
// be read; and none is lost.
func TestAWSDown(t *testing.T) {
	t.Parallel()
	k := newKMS(t)
	net := faultnet.New(t, k.addr())
	m := newMySQL(t, "--skip-log-bin").useAWS(urlOf(net.Addr()), cmk(k.newKey(region))).awsInTime()
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	set := func(mode faultnet.Mode) func() { return func() { net.Set(mode) } }
	for _, f := range []fault{
		{"frozen", k.freeze, k.thaw},
		{"refused", set(faultnet.Refuse()), set(faultnet.Pass())},
		{"garbled", set(faultnet.Garbage()), set(faultnet.Pass())},
	} {
		t.Log(f.name)
		file, before := readFile(t, m.awsData()), len(m.log())
		f.hurt()
		inTime(t, f.name+": fetch", func() { m.want("NULL", "SELECT keyring_key_fetch('kept')") })
		inTime(t, f.name+": generate", func() { m.want("NULL", "SELECT keyring_key_generate(?, 'AES', 32)", f.name) })
		inTime(t, f.name+": rotate", func() {
			if err := m.try("ALTER INSTANCE ROTATE INNODB MASTER KEY"); err == nil {
				t.Errorf("%s: a master key was made with no AWS KMS", f.name)
			}
		})
		m.want("42", "SELECT v FROM e2e.t") // what InnoDB has open
		m.logged(before, "[ERROR]", "timeout_ms")
		if readFile(t, m.awsData()) != file {
			t.Errorf("%s: the file was changed", f.name)
		}
		f.cured()
		eventually(t, healLimit, f.name+": healed", func() (bool, string) {
			return m.value("SELECT keyring_key_fetch('kept')") == "a secret", tail(m.log())
		})
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", f.name)
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	}

	t.Log("at start")
	m.stop()
	net.Set(faultnet.Refuse())
	m.start()
	m.want("ACTIVE", "SELECT PLUGIN_STATUS FROM INFORMATION_SCHEMA.PLUGINS WHERE PLUGIN_NAME = ?", awsPlugin)
	m.said("the KMS key cannot be looked at", "connection refused")
	m.want("NULL", "SELECT keyring_key_fetch('kept')")
	if err := m.try("SELECT v FROM e2e.t"); err == nil {
		t.Error("an encrypted table was readable without its key")
	}
	if err := m.try("CREATE TABLE e2e.u (v INT) ENCRYPTION='Y'"); err == nil {
		t.Error("a table was encrypted without a key")
	}
	net.Set(faultnet.Pass())
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "CREATE TABLE e2e.u (v INT) ENCRYPTION='Y'")
	m.restart()
	m.want("42", "SELECT v FROM e2e.t")
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.stop()
}

// mysqld --daemonize, SIGTERM, and a server that is started as root and works as
// another user, who owns the files that are made.
func TestAWSDaemonizeAndOtherUser(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin").useAWS(k.url, cmk(k.newKey(region)))
	owner := fmt.Sprint(os.Getuid())
	if os.Getuid() == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		m.Args = append(m.Args, "--user=nobody")
		m.ownedBy(nobody, m.path("data"), m.path("run"), m.awsDir())
		owner = nobody.Uid
	}
	for round := range 4 {
		if round == 0 {
			m.startDaemon("run/daemon.log")
			m.functions().awsFunctions()
			m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
		} else {
			m.start()
		}
		m.want("42", "SELECT v FROM e2e.t")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
		m.want("1", "SELECT keyring_aws_rotate_keys()")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.stop()
	}
	if info, err := os.Stat(m.awsData()); err != nil || fmt.Sprint(info.Sys().(*syscall.Stat_t).Uid) != owner {
		t.Errorf("the storage file: %+v, %v; its owner shall be %s", info, err, owner)
	}
}

// Between operations there is no key in memory: neither one that AWS KMS has made nor
// one that was read.
func TestAWSNoKeyInMemory(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin").useAWS(k.url, cmk(k.newKey(region)))
	m.start().functions()
	// What the function length_fetch reads goes through the plugin and a buffer of
	// the server, which the server wipes.
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 32)")
	m.want("32", "SELECT keyring_key_length_fetch('made')")
	_, keys := m.awsKeys()
	key := k.content(region, keys["made"])
	var left []string
	for round := range 4 { // see TestSecretsStayIn
		left = nil
		for _, f := range inMemory(t, m.proc.pid(), key) {
			left = append(left, fmt.Sprintf("at %x in %s", f.at, f.mapping))
		}
		if len(left) == 0 {
			break
		}
		id := fmt.Sprint("made", round)
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", id)
		_, keys = m.awsKeys()
		key = k.content(region, keys[id])
	}
	if len(left) > 0 {
		t.Errorf("in every round there is a key in memory, at last\n%s", strings.Join(left, "\n"))
	}
	// The search finds what is there.
	m.want("1", "SELECT keyring_key_generate('shown', 'AES', 32)")
	if _, keys := m.awsKeys(); len(inMemory(t, m.proc.pid(), []byte(base64Of(keys["shown"].Data))))+len(inMemory(t, m.proc.pid(), keys["shown"].Data)) == 0 {
		t.Error("the search does not find the blob of a key: it proves nothing")
	}
	m.stop()
}

// MySQL's migration server takes the keys from our plugin to our other component, and
// back; what they encrypt is readable with either.
func TestAWSMigrationServer(t *testing.T) {
	t.Parallel()
	k, ks := sharedKMS(t), newKeyServer(t)
	arn := k.newKey(region)
	m := newMySQL(t, "--skip-log-bin")
	m.useAWS(k.url, cmk(arn)).start().functions()
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
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.stop()
	}
	conf := m.awsConf()
	migrate := func(source, destination, flag, data string) {
		t.Helper()
		m.OptionFile = ""
		m.noManifest() // either keyring is loaded for the migration only
		all := append([]string{"AWS_ENDPOINT_URL_KMS=" + k.url}, m.path("bin/mysqld"))
		all = append(all, m.options("--keyring-migration-source="+source+".so", "--keyring-migration-destination="+destination+".so", flag,
			"--"+keyringaws.VariableConf+"="+conf, "--"+keyringaws.VariableData+"="+data, "--"+cmk(arn), "--log-error-verbosity=3")...)
		if out, err := command(t, time.Minute, "env", all...); err != nil || !strings.Contains(out, "Keyring migration successful") {
			t.Fatalf("mysqld %v: %v:\n%s", all, err, out)
		}
	}
	first := readFile(t, m.awsData())
	ks.Config.write(t, m.path("plugins", component+".cnf"))
	migrate(awsPlugin, component, "--keyring-migration-to-component", m.awsData())
	if readFile(t, m.awsData()) != first {
		t.Error("the source was changed")
	}
	m.useKMIP(ks.Config).start()
	readable()

	back := m.awsData() + ".back"
	migrate(component, awsPlugin, "--keyring-migration-from-component", back)
	m.useAWS(k.url, cmk(arn)).start("--" + keyringaws.VariableData + "=" + back)
	readable()
}
