//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// A write may take its timeout for each of the few exchanges that it has, and
// what a busy machine adds.
const (
	timeoutMS  = 1000
	writeLimit = 6 * time.Second
	healLimit  = 20 * time.Second
)

type fault struct {
	name        string
	hurt, cured func()
}

// A key server that is stopped, killed or frozen under a running MySQL.
func TestServerFaults(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		testFaults(t, kmipInTime(t, ks.Config), []fault{
			{"stopped", ks.stop, ks.start},
			{"killed", ks.kill, ks.start},
			{"frozen", ks.freeze, ks.thaw},
		})
	})
}

// A network that refuses, swallows, cuts or garbles what is sent.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		net := faultnet.New(t, ks.addr())
		set := func(m faultnet.Mode) func() { return func() { net.Set(m) } }
		testFaults(t, kmipInTime(t, ks.through(net.Addr())), []fault{
			{"refused", set(faultnet.Refuse()), set(faultnet.Pass())},
			{"swallowed", set(faultnet.Freeze()), set(faultnet.Pass())},
			{"cut", set(faultnet.CutAfter(10)), set(faultnet.Pass())},
			{"garbled", set(faultnet.Garbage()), set(faultnet.Pass())},
		})
	})
}

// kmipInTime is a MySQL that ends what waits for a dead server within the tests' limits.
func kmipInTime(t *testing.T, c config) *MySQL {
	return newMySQL(t, "--skip-log-bin").useKMIP(c.with(config{"kmip_timeout_ms": timeoutMS}))
}

// testFaults wants of each fault: what is known stays readable, a write fails
// in time, and all is well after the cure without anybody's help.
func testFaults(t *testing.T, m *MySQL, faults []fault) {
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	for i, f := range faults {
		t.Log(f.name)
		f.hurt()
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
		m.want("42", "SELECT v FROM e2e.t")
		inTime(t, f.name+": generate", func() {
			m.want("NULL", "SELECT keyring_key_generate(?, 'AES', 32)", f.name)
		})
		inTime(t, f.name+": rotate", func() {
			if err := m.try("ALTER INSTANCE ROTATE INNODB MASTER KEY"); err == nil {
				t.Errorf("%s: a master key was made with no key server", f.name)
			}
		})
		m.want("42", "SELECT v FROM e2e.t")
		m.want("a secret", "SELECT keyring_key_fetch('kept')")

		f.cured()
		healed := fmt.Sprint("healed", i)
		eventually(t, healLimit, f.name+": healed", func() (bool, string) {
			return m.value("SELECT keyring_key_generate(?, 'AES', 32)", healed) == "1", tail(m.log())
		})
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.want("42", "SELECT v FROM e2e.t")
		// The write that failed may have reached the server all the same. Then
		// its key is there, once; otherwise it can be made now.
		m.exec("ALTER INSTANCE RELOAD KEYRING")
		m.query("SELECT keyring_key_generate(?, 'AES', 32)", f.name)
		m.want("32", "SELECT keyring_key_length_fetch(?)", f.name)
		m.want("1", "SELECT COUNT(*) FROM performance_schema.keyring_keys WHERE KEY_ID = ?", f.name)
	}
	m.restart()
	m.want("42", "SELECT v FROM e2e.t")
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.stop()
}

func inTime(t *testing.T, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took > writeLimit {
		t.Errorf("%s took %v", what, took)
	}
}

// A key server that is down when MySQL starts: MySQL is up, says why it has no
// keys, and gets them when the server is back.
func TestDownAtStart(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config.with(config{"kmip_timeout_ms": timeoutMS, "start_timeout_ms": 1500}))
		m.start().functions()
		for _, table := range []string{"e2e.t", "e2e.asked"} {
			m.exec("CREATE TABLE "+table+" (v INT) ENCRYPTION='Y'", "INSERT INTO "+table+" VALUES (42)")
		}
		m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
		m.stop()

		for name, recover := range map[string]func(){
			"by itself": func() {
				eventually(t, healLimit, "the keyring comes back by itself", func() (bool, string) {
					return m.status("Component_status") == "Active", tail(m.log())
				})
			},
			"by RELOAD": func() { m.exec("ALTER INSTANCE RELOAD KEYRING") },
		} {
			t.Log(name)
			ks.stop()
			m.start()
			if !strings.Contains(m.log(), ks.addr()) {
				t.Errorf("the log does not name the key server %s:\n%s", ks.addr(), tail(m.log()))
			}
			if got := m.status("Component_status"); got != "Disabled" {
				t.Errorf("Component_status = %q with no key server", got)
			}
			m.want("NULL", "SELECT keyring_key_fetch('kept')")
			m.want("NULL", "SELECT keyring_key_generate('other', 'AES', 32)")
			if err := m.try("SELECT v FROM e2e.asked"); err == nil {
				t.Error("an encrypted table was readable without its key")
			}
			if err := m.try("ALTER INSTANCE RELOAD KEYRING"); err == nil {
				t.Error("RELOAD KEYRING worked with no key server")
			}
			ks.start()
			recover()
			m.want("Active", "SELECT STATUS_VALUE FROM performance_schema.keyring_component_status WHERE STATUS_KEY = 'Component_status'")
			m.want("a secret", "SELECT keyring_key_fetch('kept')")
			m.want("42", "SELECT v FROM e2e.t")
			m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
			m.want("42", "SELECT v FROM e2e.t")
			// InnoDB asks for a table's key once: one that was asked for in
			// vain stays closed until a restart, with MySQL's own keyring too.
			m.restart()
			m.want("42", "SELECT v FROM e2e.asked")
			m.want("42", "SELECT v FROM e2e.t")
			m.stop()
		}
	})
}

// With an encrypted redo log there is no start without the key: MySQL says why
// and ends, without touching what it cannot read, and starts when the key server
// is back.
func TestEncryptedRedoLogWithServerDown(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin", "--innodb-redo-log-encrypt=ON").
		useKMIP(ks.Config.with(config{"kmip_timeout_ms": timeoutMS, "start_timeout_ms": 1500}))
	m.start()
	m.exec("CREATE DATABASE e2e", "CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	keys := ks.keys()
	m.proc.kill() // so that the redo log is needed
	ks.stop()
	for option, says := range map[string]string{
		"--innodb-redo-log-encrypt=ON":  "Check keyring fail, please check the keyring is loaded",
		"--innodb-redo-log-encrypt=OFF": "Redo log was encrypted, but keyring is not loaded",
	} {
		if err := m.tryStart(option); err == nil {
			t.Fatal("mysqld started without the key of its redo log")
		}
		for _, want := range []string{"The keyring is not available yet: cannot connect to the key server (" + ks.addr() + ")",
			"Start the key server", says} {
			if !strings.Contains(m.log(), want) {
				t.Errorf("the log lacks %q:\n%s", want, tail(m.log()))
			}
		}
	}
	ks.start()
	m.start()
	m.want("42", "SELECT v FROM e2e.t")
	if after := ks.keys(); len(after) != len(keys) {
		t.Errorf("the keys were\n%v\nand are\n%v", keys, after)
	}
	m.stop()
}
