//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// SIGTERM ends mysqld cleanly every time, with the module in use: a Go thread
// that took the signal would end the process at once.
func TestShutdownIsCleanEveryTime(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config)
	m.start().functions()
	for i := range 20 {
		m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", i))
		m.stop()
		if i < 19 {
			m.start()
		}
	}
}

// mysqld --daemonize forks twice after the module was loaded.
func TestDaemonize(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config)
		for round := range 3 {
			m.startDaemon(fmt.Sprintf("run/daemon%d.log", round))
			if round == 0 {
				m.functions()
				m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
			}
			m.want("42", "SELECT v FROM e2e.t")
			m.want("1", "SELECT keyring_key_generate(?, 'AES', 32)", fmt.Sprint("round", round))
			m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY", "ALTER INSTANCE RELOAD KEYRING")
			m.stop()
		}
	})
}

// Started as root, mysqld loads the module as root and works as another user.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can start mysqld as another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin", "--user=nobody").useKMIP(ks.Config)
	// The server's own folder may be closed to others.
	udf := m.path("plugins/keyring_udf.so")
	original, err := filepath.EvalSymlinks(udf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(udf); err != nil {
		t.Fatal(err)
	}
	copyFile(t, original, udf)
	for _, dir := range []string{m.path("data"), m.path("run"), filepath.Dir(ks.Config["client_key"].(string))} {
		if out, err := exec.Command("chown", "-R", nobody.Uid+":"+nobody.Gid, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	m.start().functions()
	if status := readFile(t, fmt.Sprintf("/proc/%d/status", m.proc.pid())); !strings.Contains(status, "Uid:\t"+nobody.Uid) {
		t.Fatalf("mysqld does not run as nobody:\n%s", status)
	}
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	// A new connection and a reload, as nobody.
	ks.kill()
	ks.start()
	eventually(t, healLimit, "a new connection as nobody", func() (bool, string) {
		return m.value("SELECT keyring_key_generate('l', 'AES', 32)") == "1", tail(m.log())
	})
	m.exec("ALTER INSTANCE RELOAD KEYRING", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.restart()
	m.want("42", "SELECT v FROM e2e.t")
	m.stop()
}

// What mysqld does besides serving needs no key server, and does not wait for
// one that is dead: within 2 s of what it takes with no keyring at all.
func TestOtherModesDoNotWait(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	okvDir := ks.okv(silent.Addr().String())
	ks.stop()
	for name, use := range map[string]func(*MySQL) *MySQL{
		"closed": func(m *MySQL) *MySQL { return m.useKMIP(ks.Config) },
		"silent": func(m *MySQL) *MySQL { return m.useKMIP(ks.through(silent.Addr().String())) },
		"plugin": func(m *MySQL) *MySQL { return m.useOKV(okvDir) },
	} {
		for _, mode := range [][]string{{"--verbose", "--help"}, {"--validate-config"}, {"--initialize-insecure"}} {
			t.Run(name+strings.Join(mode, ""), func(t *testing.T) {
				took := func(m *MySQL) time.Duration {
					if mode[0] != "--initialize-insecure" {
						copyTree(t, template(t), m.path("data"))
					}
					start := time.Now()
					if out, err := command(t, 2*time.Minute, m.path("bin/mysqld"), m.options(mode...)...); err != nil {
						t.Fatalf("%v: %s", err, tail(out))
					}
					return time.Since(start)
				}
				// On a busy machine either may be slow for a reason of its own.
				var with, without time.Duration
				for range 4 {
					without, with = took(newMySQLFolders(t)), took(use(newMySQLFolders(t)))
					if with <= without+2*time.Second {
						return
					}
				}
				t.Errorf("%v with a dead key server, %v without a keyring", with, without)
			})
		}
	}
}

// A panic in our code is an error for the caller, and no more.
func TestPanicDoesNotEndMySQL(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	newServer := func(t *testing.T, env ...string) *MySQL {
		m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config)
		m.installModules("faultinject/lib")
		m.Env = env
		return m.start().functions()
	}
	t.Run("in a call", func(t *testing.T) {
		m := newServer(t)
		m.want("1", "SELECT keyring_key_generate('before', 'AES', 32)")
		m.want("NULL", "SELECT keyring_key_generate('dbkeyring-panic', 'AES', 32)")
		if !strings.Contains(m.log(), "panic") {
			t.Errorf("the log does not say what happened:\n%s", tail(m.log()))
		}
		m.exec("CREATE TABLE e2e.t (v INT)", "INSERT INTO e2e.t VALUES (1)")
		m.want("1", "SELECT v FROM e2e.t")
		m.stop()
	})
	t.Run("in load", func(t *testing.T) {
		m := newServer(t, "DBKEYRING_PANIC=load")
		m.want("NULL", "SELECT keyring_key_generate('after', 'AES', 32)")
		m.exec("CREATE TABLE e2e.t (v INT)")
		m.stop()
	})
}
