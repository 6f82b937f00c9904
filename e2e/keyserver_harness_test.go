//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// keyServer is a KMIP server behind the database: ours, or PyKMIP. It is a
// process that can be stopped, killed, frozen and started again on its port.
type keyServer struct {
	t    testing.TB
	kind string
	dir  string
	port int
	args []string // the program and its arguments
	proc *process
	// Config is the component's configuration for this server, with absolute paths.
	Config config
}

// kinds are the key servers that every test of the component runs against.
var kinds = []struct {
	name string
	new  func(testing.TB) *keyServer
}{
	{"dbkeyring", newKeyServer},
	{"PyKMIP", func(t testing.TB) *keyServer { return newPyKMIP(t, false) }},
}

// eachKind runs a test against every kind of key server.
func eachKind(t *testing.T, test func(*testing.T, *keyServer)) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			test(t, kind.new(t))
		})
	}
}

func dbkeyringPath(t testing.TB) string {
	t.Helper()
	path := filepath.Join(suite.root, "build/bin/dbkeyring")
	if _, err := os.Stat(path); err != nil {
		t.Fatal("no build/bin/dbkeyring: run `make build`.")
	}
	return path
}

// newKeyServer starts `dbkeyring serve` on an empty folder and enrols MySQL.
func newKeyServer(t testing.TB) *keyServer {
	t.Helper()
	return newKeyServerIn(t, tempDir(t))
}

func newKeyServerIn(t testing.TB, dir string) *keyServer {
	t.Helper()
	port := freePort(t)
	s := &keyServer{t: t, kind: "dbkeyring", dir: dir, port: port, args: []string{
		dbkeyringPath(t), "serve", "--data", filepath.Join(dir, "data"), "--listen", fmt.Sprintf("127.0.0.1:%d", port)}}
	s.start()
	s.Config = s.enrol("mysql")
	return s
}

// enrol adds an endpoint for MySQL and returns its configuration.
func (s *keyServer) enrol(name string) config {
	s.t.Helper()
	out := filepath.Join(s.dir, name)
	if text, err := command(s.t, 20*time.Second, s.args[0], "endpoint", "add", name, "--for", "mysql",
		"--out", out, "--data", filepath.Join(s.dir, "data")); err != nil {
		s.t.Fatalf("endpoint add: %v: %s", err, text)
	}
	c := config{}
	if err := json.Unmarshal([]byte(readFile(s.t, filepath.Join(out, component+".cnf"))), &c); err != nil {
		s.t.Fatal(err)
	}
	for _, key := range []string{"client_ca", "client_key", "server_ca"} {
		path, _ := c[key].(string)
		if path != "" && !filepath.IsAbs(path) {
			c[key] = filepath.Join(out, path)
		}
	}
	return c
}

// newPyKMIP starts Debian's PyKMIP with an ECDSA or an RSA certificate.
func newPyKMIP(t testing.TB, useRSA bool) *keyServer {
	t.Helper()
	return newPyKMIPIn(t, tempDir(t), useRSA)
}

func newPyKMIPIn(t testing.TB, dir string, useRSA bool) *keyServer {
	t.Helper()
	// PyKMIP 0.10 needs a Python before 3.12: the one it is packaged for.
	const python, program = "/usr/bin/python3", "/usr/bin/pykmip-server"
	if out, err := command(t, 20*time.Second, python, "-I", "-W", "ignore", "-c", "import kmip.pie"); err != nil {
		t.Log(out)
		missing(t, "PyKMIP", "apt-get install python3-pykmip.")
	}
	port := freePort(t)
	for _, d := range []string{"policy", "log"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a := newAuthority(t, dir)
	a.server("server", newKey(t, useRSA))
	a.client("mysql", newKey(t, useRSA))
	writeFile(t, filepath.Join(dir, "server.conf"), fmt.Sprintf(`[server]
hostname=127.0.0.1
port=%d
certificate_path=%[2]s/server.pem
key_path=%[2]s/server.key
ca_path=%[2]s/ca.pem
auth_suite=TLS1.2
policy_path=%[2]s/policy
enable_tls_client_auth=True
logging_level=INFO
database_path=%[2]s/pykmip.db
`, port, dir), 0o644)
	s := &keyServer{t: t, kind: "PyKMIP", dir: dir, port: port,
		args: []string{python, "-W", "ignore", program, "-f", filepath.Join(dir, "server.conf"), "-l", filepath.Join(dir, "log/server.log")},
		Config: config{
			"server_addr": "127.0.0.1", "server_port": strconv.Itoa(port),
			"client_ca": filepath.Join(dir, "mysql.pem"), "client_key": filepath.Join(dir, "mysql.key"),
			"server_ca": filepath.Join(dir, "ca.pem"),
		}}
	s.start()
	return s
}

func (s *keyServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// start starts the server and waits until its port is open.
func (s *keyServer) start() {
	s.t.Helper()
	s.proc = spawn(s.t, filepath.Join(s.dir, "output"), s.args[0], s.args[1:]...)
	eventually(s.t, 30*time.Second, s.kind+" listens on "+s.addr(), func() (bool, string) {
		if s.proc.ended() {
			s.t.Fatalf("%s: %v: %s", s.kind, s.proc.err, tail(s.proc.output()))
		}
		conn, err := net.DialTimeout("tcp", s.addr(), time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil, fmt.Sprint(err)
	})
}

// kill ends the server and its children without warning.
func (s *keyServer) kill() { s.proc.kill() }

// stop asks the server to end. PyKMIP does not within a useful time.
func (s *keyServer) stop() {
	s.t.Helper()
	if s.kind == "PyKMIP" {
		s.kill()
		return
	}
	s.proc.signal(syscall.SIGTERM)
	if err := s.proc.wait(s.t, 20*time.Second); err != nil {
		s.t.Fatalf("dbkeyring serve after SIGTERM: %v: %s", err, tail(s.proc.output()))
	}
}

func (s *keyServer) freeze() { s.proc.signal(syscall.SIGSTOP) }
func (s *keyServer) thaw()   { s.proc.signal(syscall.SIGCONT) }

// clientTLS is the configuration of MySQL's endpoint.
func (s *keyServer) clientTLS() *tls.Config {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(s.Config["client_ca"].(string), s.Config["client_key"].(string))
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(s.t, s.Config["server_ca"].(string))))
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
}

// through is the configuration for reaching the server by another address.
func (s *keyServer) through(addr string) config {
	s.t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.Config.with(config{"server_addr": host, "server_port": port})
}

var columns = regexp.MustCompile(`\s{2,}|\t`)

// keys is what `dbkeyring key list` shows: Unique ID → Identifier.
func (s *keyServer) keys() map[string]string {
	s.t.Helper()
	file := filepath.Join(tempDir(s.t), component+".cnf")
	s.Config.write(s.t, file)
	return s.keysOf(file)
}

// keysOf is keys for the client that a configuration makes of a database.
func (s *keyServer) keysOf(file string) map[string]string {
	s.t.Helper()
	out, err := command(s.t, 30*time.Second, dbkeyringPath(s.t), "key", "list", "--config", file)
	if err != nil {
		s.t.Fatalf("key list: %v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if !strings.HasPrefix(lines[0], "Unique ID") {
		s.t.Fatalf("key list printed no table: %s", out)
	}
	all := map[string]string{}
	for _, line := range lines[1:] {
		f := columns.Split(strings.TrimSpace(line), 3)
		if len(f) != 3 {
			s.t.Fatalf("key list printed a line of other than 3 columns: %q", line)
		}
		all[f[0]] = f[2]
	}
	return all
}
