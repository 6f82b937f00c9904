package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// company is a CA that is not the key server's.
type company struct {
	*pki.CA
	file string
}

func newCompany(t *testing.T) company {
	t.Helper()
	ca, err := pki.NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "company_ca.pem")
	if err := pki.SaveCertificate(file, ca.Certificate); err != nil {
		t.Fatal(err)
	}
	return company{ca, file}
}

func (c company) server(t *testing.T) pki.Pair {
	t.Helper()
	pair, err := c.IssueServer([]string{"keys.company.example"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// identityConfig is that of a client with the files in a folder, which asks for a server's name.
func identityConfig(t *testing.T, identity, name string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(identity, datadir.ClientCertFile), filepath.Join(identity, datadir.ClientKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	roots, err := os.ReadFile(filepath.Join(identity, datadir.RootCertFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: name, ClientSessionCache: tls.NewLRUClientSessionCache(0)}
}

// handshake connects and returns what the server shows; a request is answered on the connection.
func handshake(t *testing.T, address string, conf *tls.Config) tls.ConnectionState {
	t.Helper()
	c := kmiptest.Dial(t, address, conf)
	defer c.Close()
	query(t, c)
	return c.Conn.(*tls.Conn).ConnectionState()
}

func (s *serverProcess) signal(t *testing.T, with os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(with); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, c *kmiptest.Conn) {
	t.Helper()
	if it := c.One(kmip.V1_4, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}); it.Err() != nil {
		t.Fatal(it.Err())
	}
}

// TestServe_GivenCertificate replaces the certificate of the company's CA while the server
// runs: by a signal, by itself, and with files that cannot be used.
func TestServe_GivenCertificate(t *testing.T) {
	dir, ca := t.TempDir(), newCompany(t)
	data, identity := filepath.Join(dir, "data"), filepath.Join(dir, "db")
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := ca.server(t)
	if err := first.Save(cert, key); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, data, "--cert", cert, "--key", key, "--cert-ca", ca.file)
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)

	// Who asks for its name gets it, others the server's own. What endpoint add wrote knows both.
	conf := identityConfig(t, identity, "keys.company.example")
	if got := handshake(t, s.address, conf); !got.PeerCertificates[0].Equal(first.Certificate) {
		t.Errorf("by its name the server shows %v", got.PeerCertificates[0].Subject)
	}
	if got := handshake(t, s.address, identityConfig(t, identity, "localhost")); got.PeerCertificates[0].Equal(first.Certificate) {
		t.Error("as localhost the server shows a certificate that does not name it")
	}
	if status := command(t, "status", "--data", data); !strings.Contains(status, "127.0.0.1") || !strings.Contains(status, "keys.company.example") {
		t.Errorf("the status does not tell all names: %s", status)
	}
	open := kmiptest.Dial(t, s.address, conf)
	until := func(want pki.Pair) {
		t.Helper()
		fresh := conf.Clone()
		fresh.ClientSessionCache = nil
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			switch got := handshake(t, s.address, fresh).PeerCertificates[0]; {
			case got.Equal(want.Certificate):
				query(t, open)
				if state := handshake(t, s.address, conf); !state.DidResume {
					t.Error("a session of before is not resumed")
				}
				return
			case time.Now().After(end):
				t.Fatalf("the server shows the certificate %x, not %x", got.SerialNumber, want.Certificate.SerialNumber)
			}
		}
	}
	second, third := ca.server(t), ca.server(t)
	if err := second.Save(cert, key); err != nil {
		t.Fatal(err)
	}
	s.signal(t, syscall.SIGHUP)
	until(second)

	// Half of a new pair, then the other half, and nobody gives a signal.
	if err := pki.SaveCertificate(cert, third.Certificate); err != nil {
		t.Fatal(err)
	}
	s.signal(t, syscall.SIGHUP)
	s.waitLog(t, "private key does not match public key")
	until(second)
	if err := third.Save(cert, key); err != nil {
		t.Fatal(err)
	}
	until(third)

	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	// Without it the server is itself again, and so are new clients' files.
	s = startServer(t, data)
	command(t, "endpoint", "renew", "db", "--for", "kmip", "--out", identity, "--force", "--data", data)
	own, err := pki.LoadCertificates(filepath.Join(identity, datadir.RootCertFile))
	admins, err2 := os.ReadFile(filepath.Join(data, datadir.AdminDir, datadir.RootCertFile))
	if err != nil || err2 != nil || len(own) != 1 || !bytes.Equal(admins, pki.EncodeCertificate(own...)) {
		t.Errorf("%d CAs in a new client's file, %v, %v", len(own), err, err2)
	}
	handshake(t, s.address, identityConfig(t, identity, "localhost"))
}

// TestServe_BadGivenCertificate: a start with what no client could verify fails.
func TestServe_BadGivenCertificate(t *testing.T) {
	dir, ca, other := t.TempDir(), newCompany(t), newCompany(t)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := ca.server(t).Save(cert, key); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--cert", cert, "--key", key}, "go together"},
		{[]string{"--cert", cert, "--key", key, "--cert-ca", other.file}, "cannot be verified with"},
		{[]string{"--cert", cert, "--key", cert, "--cert-ca", ca.file}, "mode"},
		{[]string{"--cert", cert, "--key", dir + "/none", "--cert-ca", ca.file}, "no such file"},
	} {
		var out, errs strings.Builder
		p := &process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
		args := append([]string{"serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0"}, c.args...)
		if code := run(p, args); code == 0 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, code, &errs)
		}
	}
}
