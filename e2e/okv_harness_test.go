//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/config/okv"
)

// plugin is the other module under test, MySQL's keyring_okv.
const plugin = okv.Plugin

// okv makes a configuration directory for keyring_okv, with a certificate of its
// own where the server is ours. It names the server itself, unless addrs names
// others: the first is the primary, the rest are standbys.
func (s *keyServer) okv(addrs ...string) string {
	s.t.Helper()
	dir := filepath.Join(tempDir(s.t), "mysql-keyring-okv")
	if len(addrs) == 0 {
		addrs = []string{s.addr()}
	}
	if s.kind == "dbkeyring" {
		args := []string{"endpoint", "add", filepath.Base(filepath.Dir(dir)), "--for", "okv", "--out", dir,
			"--data", filepath.Join(s.dir, "data"), "--server", addrs[0]}
		for _, standby := range addrs[1:] {
			args = append(args, "--standby", standby)
		}
		if out, err := command(s.t, 20*time.Second, s.args[0], args...); err != nil {
			s.t.Fatalf("endpoint add --for okv: %v: %s", err, out)
		}
	} else {
		e := okv.Endpoint{Server: addrs[0], Standbys: addrs[1:]}
		for into, option := range map[*[]byte]string{&e.CA: "server_ca", &e.Cert: "client_ca", &e.Key: "client_key"} {
			*into = []byte(readFile(s.t, s.Config[option].(string)))
		}
		if err := okv.Write(dir, e); err != nil {
			s.t.Fatal(err)
		}
	}
	return dir
}

// setOra writes okvclient.ora anew.
func setOra(t testing.TB, dir string, lines ...string) {
	t.Helper()
	writeFile(t, filepath.Join(dir, okv.FileName), strings.Join(lines, "\n")+"\n", 0o640)
}

// shortTimes ends what waits for a dead server within the tests' limits.
func shortTimes(t testing.TB, dir string) string {
	t.Helper()
	file := filepath.Join(dir, okv.FileName)
	setOra(t, dir, strings.TrimSpace(readFile(t, file)), fmt.Sprint("DBKEYRING_CONNECT_TIMEOUT_MS=", timeoutMS),
		fmt.Sprint("DBKEYRING_KMIP_TIMEOUT_MS=", timeoutMS), "DBKEYRING_START_TIMEOUT_MS=1500")
	return dir
}

// copyOKV is a second directory with the same files.
func copyOKV(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(tempDir(t), "mysql-keyring-okv")
	copyTree(t, dir, to)
	return to
}

// useOKV makes our plugin the keyring, with the lines of the document in the
// option file. An empty dir leaves keyring_okv_conf_dir out.
func (m *MySQL) useOKV(dir string) *MySQL {
	m.t.Helper()
	m.installModules("lib")
	m.noManifest()
	lines := "[mysqld]\nearly-plugin-load=" + plugin + ".so\n"
	if dir != "" {
		lines += okv.Variable + "=" + dir + "\n"
	}
	m.OptionFile = m.path("run/my.cnf")
	writeFile(m.t, m.OptionFile, lines, 0o644)
	return m
}

// noManifest leaves mysqld without a component.
func (m *MySQL) noManifest() {
	m.t.Helper()
	if err := os.Remove(m.path("bin/mysqld.my")); err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
}

// setConfDir changes keyring_okv_conf_dir in the running server.
func (m *MySQL) setConfDir(dir string) error { return m.try("SET GLOBAL "+okv.Variable+" = ?", dir) }

// reported are a plugin's own lines in the error log, without the time.
func (m *MySQL) reported() []string {
	var lines []string
	for _, found := range reportedLine.FindAllStringSubmatch(m.log(), -1) {
		lines = append(lines, found[1]+" "+found[2])
	}
	return lines
}

var reportedLine = regexp.MustCompile(`(?m)^\S+ \d+ (\[\w+\]) .*Plugin keyring_\w+ reported: '(.*)'$`)

// said wants each text in one of the plugin's lines.
func (m *MySQL) said(want ...string) {
	m.t.Helper()
	all := strings.Join(m.reported(), "\n")
	for _, text := range want {
		if !strings.Contains(all, text) {
			m.t.Errorf("the plugin has not reported %q; the log:\n%s", text, tail(m.log()))
		}
	}
}
