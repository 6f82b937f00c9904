//go:build e2e

package e2e

import (
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// Started as root, mysqld loads the component as root and works as another user, who
// owns what is written.
func TestKMSOtherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can start mysqld as another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	k := sharedKMS(t)
	m := newMySQL(t, "--skip-log-bin", "--user=nobody").useKMS(k)
	m.ownedBy(nobody, m.path("data"), m.path("run"), filepath.Dir(m.kmsFile()))
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	m.restart() // the file is read as root, and then written by nobody
	m.want("42", "SELECT v FROM e2e.t")
	m.want("1", "SELECT keyring_key_generate('l', 'AES', 32)")
	files, _ := filepath.Glob(m.kmsFile() + "*")
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if owner := fmt.Sprint(info.Sys().(*syscall.Stat_t).Uid); owner != nobody.Uid || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("%s belongs to %s, mode %v", file, owner, info.Mode())
		}
	}
	m.stop()
}

// ownedBy gives folders to the user that mysqld runs as, who may not look into the
// server's own.
func (m *MySQL) ownedBy(u *user.User, dirs ...string) {
	m.t.Helper()
	udf := m.path("plugins/keyring_udf.so")
	original, err := filepath.EvalSymlinks(udf)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.Remove(udf); err != nil {
		m.t.Fatal(err)
	}
	copyFile(m.t, original, udf)
	for _, dir := range dirs {
		if out, err := exec.Command("chown", "-R", u.Uid+":"+u.Gid, dir).CombinedOutput(); err != nil {
			m.t.Fatalf("%v: %s", err, out)
		}
	}
}

// mysqld --daemonize forks twice after the component was loaded; and SIGTERM ends
// mysqld cleanly every time.
func TestKMSDaemonizeAndShutdown(t *testing.T) {
	t.Parallel()
	m := newMySQL(t, "--skip-log-bin").useKMS(sharedKMS(t))
	for round := range 4 {
		if round == 0 {
			m.startDaemon("run/daemon.log")
			m.functions()
			m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
		} else {
			m.start()
		}
		m.want("42", "SELECT v FROM e2e.t")
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE RELOAD KEYRING")
		m.stop()
	}
}

// Neither keys nor the secret access key show in the log or in the status table; what
// is in memory stays out of core dumps, and is gone with its key.
func TestKMSSecretsStayIn(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	net := faultnet.New(t, k.addr())
	m := newMySQL(t, "--skip-log-bin").useKMS(k)
	m.setKMS(kmsInTime(m.kmsConfig(urlOf(net.Addr()), k.newKey(region))))
	m.start().functions()
	content := func(id string) []byte {
		b, err := hex.DecodeString(k.readKMSFile(m.kmsFile())[id].Key)
		if err != nil || len(b) == 0 {
			t.Fatalf("%s is not in the file: %v", id, err)
		}
		return b
	}
	for round := 1; ; round++ {
		left := leftInMemory(t, m, content)
		if len(left) == 0 {
			break
		}
		if round == 4 {
			t.Errorf("in every round, at last:\n%s", strings.Join(left, "\n"))
			break
		}
	}
	m.want("1", "SELECT keyring_key_generate('logged', 'AES', 32)")
	key := content("logged")
	m.want("NULL", "SELECT keyring_key_generate('logged', 'AES', 32)")
	net.Set(faultnet.Garbage())
	m.want("NULL", "SELECT keyring_key_generate('down', 'AES', 32)")
	m.want("32", "SELECT keyring_key_length_fetch('logged')")
	shown := fmt.Sprint(m.statusRows())
	m.stop()
	shown += m.log()
	for _, secret := range []string{accessKey.SecretAccessKey, string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), base64Of(key)} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is in the log or in the status:\n%s", shown)
		}
	}
}

// mysql_migrate_keyring takes all keys from MySQL's file keyring to ours, from ours to
// a KMIP server, and back, with both modules of ours in one process.
func TestKMSMigrate(t *testing.T) {
	t.Parallel()
	k, ks := sharedKMS(t), newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin")
	m.useFile(m.path("data/before.json"))
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v VARCHAR(64)) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES ('kept')", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.want("1", "SELECT keyring_key_store('mine', 'SECRET', 'a secret')")
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 24)")
	made := m.value("SELECT HEX(keyring_key_fetch('made'))")
	m.stop()
	migrate := func(from, to string) {
		t.Helper()
		// Both find AWS KMS by their configuration.
		if out, err := command(t, time.Minute, mysqlProgram(t, "mysql_migrate_keyring"), "--component-dir="+m.path("plugins"),
			"--source-keyring="+from, "--destination-keyring="+to); err != nil {
			t.Fatalf("mysql_migrate_keyring %s %s: %v: %s", from, to, err, out)
		}
		m.manifest(`{"components": "file://` + to + `"}`)
		m.start()
		m.want("kept", "SELECT v FROM e2e.t")
		m.want("a secret", "SELECT keyring_key_fetch('mine')")
		m.want("SECRET", "SELECT keyring_key_type_fetch('mine')")
		m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.stop()
	}
	m.useKMIP(ks.Config)
	m.useKMS(k)
	migrate(keyringFile, kmsComponent)
	migrate(kmsComponent, component)
	first := m.kmsFile() + ".first"
	if err := os.Rename(m.kmsFile(), first); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(m.kmsFile() + ".sha256")
	migrate(component, kmsComponent)
	if a, b := len(k.readKMSFile(first)), len(k.readKMSFile(m.kmsFile())); b <= a {
		t.Errorf("%d keys are in the file now, %d before a master key was made", b, a)
	}
}
