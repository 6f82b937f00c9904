//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/jsonfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// `dbkeyring migrate` takes all keys of a real mysqld from MySQL's file keyring
// to a key server, and back: the same tables, logs and functions work after each,
// and each keyring stays in use for new keys.
func TestDbkeyringMigrate(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--server-id=1", "--binlog-encryption=ON", "--innodb-redo-log-encrypt=ON")
		before, after := m.path("data/before.json"), m.path("data/after.json")
		conf := m.path("plugins", component+".cnf")
		migrate := func(args ...string) string {
			t.Helper()
			out, err := command(t, time.Minute, dbkeyringPath(t), append([]string{"migrate", "--yes"}, args...)...)
			if err != nil {
				t.Fatalf("dbkeyring migrate %v: %v: %s", args, err, out)
			}
			return out
		}
		same := func() {
			t.Helper()
			m.want("kept", "SELECT v FROM e2e.t")
			m.want("a secret", "SELECT keyring_key_fetch('mine')")
			m.want("SECRET", "SELECT keyring_key_type_fetch('mine')")
		}

		m.useFile(before)
		m.start().functions()
		m.exec("CREATE TABLE e2e.t (v VARCHAR(64)) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES ('kept')",
			"ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE ROTATE BINLOG MASTER KEY")
		m.want("1", "SELECT keyring_key_store('mine', 'SECRET', 'a secret')")
		m.want("1", "SELECT keyring_key_generate('made', 'AES', 24)")
		made := m.value("SELECT HEX(keyring_key_fetch('made'))")
		m.useKMIP(ks.Config)
		out, err := command(t, time.Minute, dbkeyringPath(t), "migrate", before, conf, "--dry-run")
		if err != nil || strings.Contains(out, made) || !strings.Contains(out, "made ") {
			t.Errorf("dry run: %v: %s", err, out)
		}
		m.stop()
		rewritesToTheByte(t, before)
		old := readFile(t, before)

		t.Log("to the key server")
		if out := migrate(before, conf); !strings.Contains(out, " 0 were there already") || !strings.Contains(out, "next: ") {
			t.Errorf("dbkeyring migrate: %s", out)
		}
		if readFile(t, before) != old {
			t.Error("the source was changed")
		}
		if err := os.Rename(before, before+".away"); err != nil {
			t.Fatal(err)
		}
		m.start()
		same()
		m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "CREATE TABLE e2e.later (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.later VALUES (7)")
		m.want("1", "SELECT keyring_key_remove('made')")
		m.stop()

		t.Log("and back, into a file that is to be made; the component's configuration names it")
		m.useFile(after)
		migrate(conf, m.path("plugins", keyringFile+".cnf"))
		rewritesToTheByte(t, after)
		ks.stop()
		m.start()
		same()
		m.want("7", "SELECT v FROM e2e.later")
		m.want("NULL", "SELECT IFNULL(keyring_key_fetch('made'), 'NULL')")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.want("1", "SELECT keyring_key_store('new', 'AES', '0123456789abcdef')")
		m.restart()
		same()
		m.want("0123456789abcdef", "SELECT keyring_key_fetch('new')")
		m.stop()
		rewritesToTheByte(t, after)
	})
}

// rewritesToTheByte has our back end write a copy of the file anew, which must
// not change a byte of it, whoever wrote it.
func rewritesToTheByte(t *testing.T, path string) {
	t.Helper()
	text := []byte(readFile(t, path))
	mine := filepath.Join(tempDir(t), "copy.json")
	copyFile(t, path, mine)
	r, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: mine}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	id := keyring.ID{Name: "for a moment"}
	if err := r.Generate(t.Context(), id, keyring.TypeAES, 32); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal([]byte(readFile(t, mine)), text) {
		t.Fatal("the copy was not written")
	}
	if err := r.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal([]byte(readFile(t, mine)), text) {
		t.Errorf("%s is written with other bytes", path)
	}
}
