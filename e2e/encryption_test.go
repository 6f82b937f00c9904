//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a database does with its keys: tables, redo log and binary log are
// opaque on disk, the master keys rotate, and everything is readable after a
// restart.
func TestEncryption(t *testing.T) {
	t.Parallel()
	t.Run("reference", func(t *testing.T) {
		t.Parallel()
		m := newMySQL(t)
		testEncryption(t, m.useFile(m.path("data/keyring.json")))
	})
	eachKind(t, func(t *testing.T, ks *keyServer) {
		testEncryption(t, newMySQL(t).useKMIP(ks.Config))
	})
}

const (
	plainMarker  = "this-is-plain-on-disk"
	hiddenMarker = "this-is-hidden-on-disk"
	lateMarker   = "this-is-hidden-in-the-logs"
)

func testEncryption(t *testing.T, m *MySQL) {
	m.Args = append(m.Args, "--server-id=1", "--log-bin="+m.path("data/binlog"))
	count := func(table, marker, want string) {
		t.Helper()
		m.want(want, "SELECT COUNT(*) FROM e2e."+table+" WHERE v = ?", strings.Repeat(marker, 10))
	}
	insert := func(table, marker string) {
		t.Helper()
		if err := m.try("INSERT INTO e2e."+table+" (v) VALUES (?)", strings.Repeat(marker, 10)); err != nil {
			t.Fatal(err)
		}
	}
	files := func(glob, marker string) int { return len(matchingWith(t, m.path("data", glob), marker)) }

	t.Log("first without encrypted logs, so that the search is known to find what is plain")
	m.start()
	m.exec("CREATE DATABASE e2e",
		"CREATE TABLE e2e.plain (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT)",
		"CREATE TABLE e2e.hidden (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT) ENCRYPTION='Y'")
	insert("plain", plainMarker)
	insert("hidden", hiddenMarker)
	m.stop()
	if files("e2e/plain.ibd", plainMarker) == 0 || files("binlog.0*", hiddenMarker) == 0 {
		t.Fatal("the search does not find what is plain on disk: it proves nothing")
	}
	if n := files("e2e/hidden.ibd", hiddenMarker); n != 0 {
		t.Error("the encrypted table is readable on disk")
	}

	t.Log("then with everything encrypted")
	m.Args = append(m.Args, "--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON")
	m.start()
	count("hidden", hiddenMarker, "1")
	m.exec("CREATE TABLE e2e.late (id INT AUTO_INCREMENT PRIMARY KEY, v TEXT) ENCRYPTION='Y'")
	insert("late", lateMarker)
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY")
	insert("late", lateMarker)
	count("late", lateMarker, "2")
	count("hidden", hiddenMarker, "1")

	t.Log("rotated again by a second start, after a kill, so that the redo log is needed")
	m.restart()
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY")
	insert("late", lateMarker)
	m.proc.kill()
	for _, glob := range []string{"e2e/late.ibd", "#innodb_redo/*", "binlog.0*"} {
		if files(glob, lateMarker) != 0 {
			t.Errorf("what was written is readable in %s", glob)
		}
	}
	logs, _ := filepath.Glob(m.path("data/binlog.0*"))
	if newest := logs[len(logs)-1]; !bytes.HasPrefix([]byte(readFile(t, newest)), []byte("\xfdbin")) {
		t.Errorf("%s is not encrypted", newest)
	}
	m.start()
	count("late", lateMarker, "3")
	count("hidden", hiddenMarker, "1")
	m.exec("ALTER INSTANCE RELOAD KEYRING", "CREATE TABLE e2e.last (id INT PRIMARY KEY) ENCRYPTION='Y'", "DROP TABLE e2e.last")
	if events := m.query("SHOW BINLOG EVENTS IN '" + filepath.Base(logs[len(logs)-1]) + "'"); len(events) == 0 {
		t.Error("the encrypted binary log has no readable events")
	}
	m.stop()
}

func matchingWith(t *testing.T, glob, text string) []string {
	t.Helper()
	paths, err := filepath.Glob(glob)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s: %v", glob, err)
	}
	var found []string
	for _, path := range paths {
		found = append(found, filesWith(t, path, text)...)
	}
	return found
}

// mysql_migrate_keyring takes all keys from MySQL's file keyring to the key
// server, and back.
func TestMigrate(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--skip-log-bin")
		m.useFile(m.path("data/before.json"))
		m.start().functions()
		m.exec("CREATE TABLE e2e.t (v VARCHAR(64)) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES ('kept')",
			"ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.want("1", "SELECT keyring_key_store('mine', 'SECRET', 'a secret')")
		m.want("1", "SELECT keyring_key_generate('made', 'AES', 24)")
		made := m.value("SELECT HEX(keyring_key_fetch('made'))")
		m.stop()

		same := func() {
			t.Helper()
			m.start()
			m.want("kept", "SELECT v FROM e2e.t")
			m.want("a secret", "SELECT keyring_key_fetch('mine')")
			m.want("SECRET", "SELECT keyring_key_type_fetch('mine')")
			m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
			m.stop()
		}
		migrate := func(from, to string) {
			t.Helper()
			if out, err := command(t, time.Minute, mysqlProgram(t, "mysql_migrate_keyring"), "--component-dir="+m.path("plugins"),
				"--source-keyring="+from, "--destination-keyring="+to); err != nil {
				t.Fatalf("mysql_migrate_keyring %s %s: %v: %s", from, to, err, out)
			}
		}

		m.useKMIP(ks.Config)
		migrate(keyringFile, component)
		if err := os.Remove(m.path("data/before.json")); err != nil {
			t.Fatal(err)
		}
		same()

		m.useFile(m.path("data/after.json"))
		migrate(component, keyringFile)
		ks.stop()
		same()
	})
}
