//go:build e2e

package e2e

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The SQL functions of the keyring (MySQL manual, "General-Purpose Keyring
// Functions"), on MySQL's own file keyring too: what it does is what ours has to do.
func TestFunctions(t *testing.T) {
	t.Parallel()
	t.Run("reference", func(t *testing.T) {
		t.Parallel()
		m := newMySQL(t, "--skip-log-bin")
		testFunctions(t, m.useFile(m.path("data/keyring.json")))
	})
	eachKind(t, func(t *testing.T, ks *keyServer) {
		testFunctions(t, newMySQL(t, "--skip-log-bin").useKMIP(ks.Config))
	})
}

func testFunctions(t *testing.T, m *MySQL) {
	m.start().functions()
	m.exec("CREATE USER app@localhost", "GRANT EXECUTE ON *.* TO app@localhost")
	app := func(want, statement string) {
		t.Helper()
		db, err := sql.Open("mysql", "app@unix("+m.socket()+")/")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		rows, err := queryDB(db, statement)
		if err != nil || rows[0][0] != want {
			t.Errorf("as app: %s = %v, %v; want %q", statement, rows, err, want)
		}
	}

	t.Log("generate, and what it made")
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 32)")
	m.want("32", "SELECT keyring_key_length_fetch('made')")
	m.want("AES", "SELECT keyring_key_type_fetch('made')")
	made := m.value("SELECT HEX(keyring_key_fetch('made'))")
	if len(made) != 64 || made == strings.Repeat("0", 64) {
		t.Errorf("generated key = %q", made)
	}
	m.want("NULL", "SELECT keyring_key_generate('made', 'AES', 32)") // exists
	m.want(made, "SELECT HEX(keyring_key_fetch('made'))")

	t.Log("store, of both types")
	m.want("1", "SELECT keyring_key_store('given', 'SECRET', 'a pass phrase of mine')")
	m.want("a pass phrase of mine", "SELECT keyring_key_fetch('given')")
	m.want("SECRET", "SELECT keyring_key_type_fetch('given')")
	m.want("21", "SELECT keyring_key_length_fetch('given')")
	m.want("1", "SELECT keyring_key_store('given16', 'AES', '0123456789abcdef')")
	m.want("NULL", "SELECT keyring_key_store('given', 'SECRET', 'another')") // exists
	m.want("a pass phrase of mine", "SELECT keyring_key_fetch('given')")

	t.Log("ids are byte strings: case, blanks and signs tell them apart")
	for i, id := range []string{"Made", "made ", "a:b", "a%3Ab", "x@y", "dbkeyring:1:z"} {
		m.want("NULL", "SELECT keyring_key_fetch(?)", id)
		m.want("1", "SELECT keyring_key_store(?, 'SECRET', ?)", id, strings.Repeat("v", i+1))
	}
	for i, id := range []string{"Made", "made ", "a:b", "a%3Ab", "x@y", "dbkeyring:1:z"} {
		m.want(strings.Repeat("v", i+1), "SELECT keyring_key_fetch(?)", id)
	}

	t.Log("remove, and the name is free again")
	m.want("1", "SELECT keyring_key_store('gone', 'SECRET', 'first')")
	m.want("1", "SELECT keyring_key_remove('gone')")
	m.want("NULL", "SELECT keyring_key_fetch('gone')")
	m.want("NULL", "SELECT keyring_key_remove('gone')")
	m.want("1", "SELECT keyring_key_store('gone', 'SECRET', 'second')")
	m.want("second", "SELECT keyring_key_fetch('gone')")

	t.Log("owners do not see each other's keys")
	app("NULL", "SELECT keyring_key_fetch('made')")
	app("1", "SELECT keyring_key_store('made', 'SECRET', 'of app')")
	app("of app", "SELECT keyring_key_fetch('made')")
	m.want(made, "SELECT HEX(keyring_key_fetch('made'))")

	listed := func() []string {
		var all []string
		for _, row := range m.query("SELECT KEY_OWNER, KEY_ID FROM performance_schema.keyring_keys") {
			all = append(all, row[0]+"/"+row[1])
		}
		slices.Sort(all)
		return all
	}
	before := listed()
	for _, want := range []string{"root@localhost/made", "app@localhost/made", "root@localhost/given"} {
		if !slices.Contains(before, want) {
			t.Errorf("performance_schema.keyring_keys has no %s: %v", want, before)
		}
	}

	same := func() {
		t.Helper()
		m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
		m.want("a pass phrase of mine", "SELECT keyring_key_fetch('given')")
		m.want("SECRET", "SELECT keyring_key_type_fetch('given')")
		m.want("second", "SELECT keyring_key_fetch('gone')")
		m.want("vvv", "SELECT keyring_key_fetch('a:b')")
		app("of app", "SELECT keyring_key_fetch('made')")
		app("NULL", "SELECT keyring_key_fetch('given')")
		if after := listed(); !slices.Equal(before, after) {
			t.Errorf("performance_schema.keyring_keys changed:\n%v\n%v", before, after)
		}
	}
	t.Log("after ALTER INSTANCE RELOAD KEYRING")
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	same()
	t.Log("after a restart")
	m.restart()
	same()
	app("1", "SELECT keyring_key_remove('made')")
	app("NULL", "SELECT keyring_key_fetch('made')")
	m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
	m.stop()
}

// Sizes and types that the functions take and KMIP holds.
func TestFunctionLimits(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config).start().functions()
		for _, bytes := range []int{16, 24, 32} {
			id := fmt.Sprint("aes", bytes)
			m.want("1", "SELECT keyring_key_generate(?, 'AES', ?)", id, bytes)
			m.want(fmt.Sprint(bytes), "SELECT keyring_key_length_fetch(?)", id)
		}
		big := strings.Repeat("0123456789abcdef", 1024)
		m.want("1", "SELECT keyring_key_store('big', 'SECRET', ?)", big)
		m.want(big, "SELECT keyring_key_fetch('big')")
		// Types compare without regard to case.
		m.want("1", "SELECT keyring_key_store('lower', 'secret', 'x')")
		m.want("x", "SELECT keyring_key_fetch('lower')")
		// Not types of this back end: refused, and nothing is left of them.
		m.want("NULL", "SELECT keyring_key_generate('rsa', 'RSA', 256)")
		m.want("NULL", "SELECT keyring_key_fetch('rsa')")
		// An id that does not fit a Name.
		m.want("NULL", "SELECT keyring_key_generate(?, 'AES', 32)", strings.Repeat("i", 251))
		m.restart()
		m.want(big, "SELECT keyring_key_fetch('big')")
		m.want("24", "SELECT keyring_key_length_fetch('aes24')")
		m.stop()
	})
}

// What performance_schema shows: the status in the order that XtraBackup reads,
// no secret, and the key server's own identifiers of the keys.
func TestPerformanceSchema(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config).start().functions()
		m.want("1", "SELECT keyring_key_generate('shown', 'AES', 32)")
		m.exec("CREATE TABLE e2e.t (id INT PRIMARY KEY) ENCRYPTION='Y'")

		rows := m.statusRows()
		if len(rows) == 0 || rows[0][0] != "Component_name" || rows[0][1] != component {
			t.Fatalf("the first status row shall be Component_name: %q", rows)
		}
		for key, want := range map[string]string{
			"Component_status": "Active", "Server_addr": "127.0.0.1", "Server_port": ks.through(ks.addr())["server_port"].(string),
			"Client_ca": ks.Config["client_ca"].(string), "Server_ca": ks.Config["server_ca"].(string),
		} {
			if got := m.status(key); !strings.Contains(got, want) {
				t.Errorf("status row %s = %q, want %q", key, got, want)
			}
		}

		onServer := ks.keys()
		here := m.query("SELECT BACKEND_KEY_ID, KEY_ID, KEY_OWNER FROM performance_schema.keyring_keys")
		if len(here) < 2 {
			t.Errorf("performance_schema.keyring_keys = %q, want a key of InnoDB's and one of ours", here)
		}
		for _, row := range here {
			name, ok := onServer[row[0]]
			if !ok || !strings.Contains(name, row[1]) {
				t.Errorf("BACKEND_KEY_ID %q of %s is %q on the key server, which has %v", row[0], row[1], name, onServer)
			}
		}
		if len(onServer) != len(here) {
			t.Errorf("the key server lists %d keys, performance_schema %d:\n%v\n%v", len(onServer), len(here), onServer, here)
		}
		m.stop()
	})
}

// INSTALL COMPONENT comes too late for InnoDB: it is refused, and says what to
// do instead.
func TestInstallComponentIsRefused(t *testing.T) {
	t.Parallel()
	m := newMySQL(t, "--skip-log-bin")
	m.installModules("lib")
	m.start()
	if err := m.try("INSTALL COMPONENT 'file://" + component + "'"); err == nil {
		t.Error("INSTALL COMPONENT worked")
	}
	eventually(t, 5*time.Second, "the log names the manifest", func() (bool, string) {
		return strings.Contains(m.log(), "mysqld.my"), tail(m.log())
	})
	m.stop()
}
