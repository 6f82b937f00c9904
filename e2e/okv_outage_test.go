//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// Servers that are dead when MySQL starts cost little while one standby lives:
// not the 20 seconds that each attempt may take. Dead are some that refuse and
// some that swallow what they get.
func TestOKVPrimaryDeadAtStart(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	addrs := []string{closedAddr(t)}
	for range 2 {
		silent := faultnet.New(t, ks.addr())
		silent.Set(faultnet.Freeze())
		addrs = append(addrs, silent.Addr())
	}
	dir := ks.okv(append(addrs, ks.addr())...)
	// A key that is new must be nowhere: each server is asked, for this long.
	setOra(t, dir, strings.TrimSpace(readFile(t, dir+"/okvclient.ora")), fmt.Sprint("DBKEYRING_KMIP_TIMEOUT_MS=", timeoutMS))
	m := newMySQL(t, "--skip-log-bin").useOKV(dir)
	start := time.Now()
	m.start().functions()
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("the start took %v", took)
	}
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.restart()
	m.want("42", "SELECT v FROM e2e.t")
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	m.stop()
}

// A primary that dies under a running MySQL: encrypted DDL goes on through the
// standby, and through the primary when that is the one that lives. With both
// dead, what is known stays readable, a write fails in time, and all heals.
func TestOKVServersDieWhileRunning(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		primary, standby := faultnet.New(t, ks.addr()), faultnet.New(t, ks.addr())
		m := newMySQL(t, "--skip-log-bin").useOKV(shortTimes(t, ks.okv(primary.Addr(), standby.Addr())))
		m.start().functions()
		m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
		m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
		if primary.Accepted() == 0 {
			t.Error("the primary was not asked")
		}
		kept := func() {
			t.Helper()
			m.want("a secret", "SELECT keyring_key_fetch('kept')")
			m.want("42", "SELECT v FROM e2e.t")
		}
		works := func(what string) {
			t.Helper()
			table := "e2e." + what
			m.exec("CREATE TABLE "+table+" (v INT) ENCRYPTION='Y'", "INSERT INTO "+table+" VALUES (1)", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
			m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", what)
			m.want("32", "SELECT keyring_key_length_fetch(?)", what)
			m.want("1", "SELECT v FROM "+table)
			kept()
		}

		primary.Set(faultnet.Refuse())
		works("primary_refuses")
		if standby.Accepted() == 0 {
			t.Error("the standby was not asked")
		}
		primary.Set(faultnet.Pass())
		standby.Set(faultnet.Refuse())
		works("standby_refuses")
		standby.Set(faultnet.Pass())
		// Whichever it talks to swallows what it sends: the statement of that
		// moment may fail, within its time; the next go to the other.
		for _, frozen := range []*faultnet.Proxy{primary, standby} {
			frozen.Set(faultnet.Freeze())
			id := "frozen" + frozen.Addr()
			eventually(t, healLimit, "the other server is asked", func() (bool, string) {
				inTimeOKV(t, id, func() { m.query("SELECT keyring_key_generate(?, 'AES', 32)", id) })
				return m.value("SELECT keyring_key_length_fetch(?)", id) == "32", tail(m.log())
			})
			kept()
			frozen.Set(faultnet.Pass())
		}

		for _, f := range []fault{
			{"both_refuse", func() { primary.Set(faultnet.Refuse()); standby.Set(faultnet.Refuse()) },
				func() { primary.Set(faultnet.Pass()); standby.Set(faultnet.Pass()) }},
			{"server_frozen", ks.freeze, ks.thaw},
		} {
			t.Log(f.name)
			f.hurt()
			kept()
			inTimeOKV(t, f.name, func() { m.want("NULL", "SELECT keyring_key_generate(?, 'AES', 32)", f.name) })
			inTimeOKV(t, f.name, func() {
				if err := m.try("ALTER INSTANCE ROTATE INNODB MASTER KEY"); err == nil {
					t.Errorf("%s: a master key was made with no key server", f.name)
				}
			})
			kept()
			f.cured()
			eventually(t, healLimit, f.name+": healed", func() (bool, string) {
				return m.value("SELECT keyring_key_generate(?, 'AES', 32)", "after_"+f.name) == "1", tail(m.log())
			})
			works("healed_" + f.name)
		}
		m.restart()
		kept()
		m.stop()
	})
}

// inTimeOKV allows a write its times at both servers.
func inTimeOKV(t *testing.T, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took > 2*writeLimit {
		t.Errorf("%s took %v", what, took)
	}
}

// All key servers down when MySQL starts: MySQL is up, says why it has no keys and
// which statement tries at once, and gets them when a server is back.
func TestOKVDownAtStart(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	dir := shortTimes(t, ks.okv())
	m := newMySQL(t, "--skip-log-bin").useOKV(dir)
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	for _, statement := range []string{"", "SET GLOBAL keyring_okv_conf_dir = @@GLOBAL.keyring_okv_conf_dir"} {
		m.stop()
		ks.stop()
		m.start()
		m.said("[ERROR] The keyring is not available yet: ", "cannot connect to the key server ("+ks.addr()+")", "Start the key server",
			"SET GLOBAL keyring_okv_conf_dir = @@GLOBAL.keyring_okv_conf_dir tries at once.")
		m.want("NULL", "SELECT keyring_key_fetch('kept')")
		if err := m.try("SELECT v FROM e2e.t"); err == nil {
			t.Error("an encrypted table was readable without its key")
		}
		ks.start()
		if statement != "" {
			m.exec(statement)
			m.want("a secret", "SELECT keyring_key_fetch('kept')")
			continue
		}
		eventually(t, healLimit, "the keyring comes back by itself", func() (bool, string) {
			return m.value("SELECT keyring_key_fetch('kept')") == "a secret", tail(m.log())
		})
		if n := strings.Count(strings.Join(m.reported(), "\n"), "The keyring is available now."); n != 1 {
			t.Errorf("that the keyring is available is said %d times:\n%s", n, tail(m.log()))
		}
	}
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.restart()
	m.want("42", "SELECT v FROM e2e.t")
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.stop()
}
