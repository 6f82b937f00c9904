package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// foreign is a CA that signs for clients and revokes.
type foreign struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	crls int64
}

func newForeign(t *testing.T, name string) *foreign {
	t.Helper()
	f := &foreign{dir: t.TempDir()}
	f.cert, f.key = f.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotAfter: time.Now().Add(24 * time.Hour),
	})
	f.save(t, name+".pem", "CERTIFICATE", f.cert.Raw)
	return f
}

func (f *foreign) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, by := f.cert, f.key
	if parent == nil {
		parent, by = c, key
	}
	c.NotBefore = time.Now().Add(-time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func (f *foreign) save(t *testing.T, name, kind string, der []byte) (file string) {
	t.Helper()
	file = filepath.Join(f.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// client makes a client's files in a folder, as its company would, with the key server's CA.
func (f *foreign) client(t *testing.T, data, name string, serial int64, usage x509.ExtKeyUsage) (identity, cert string) {
	t.Helper()
	c, key := f.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	})
	identity = filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(identity, 0o700); err != nil {
		t.Fatal(err)
	}
	ca, err := pki.LoadCertificate(filepath.Join(data, "ca_certificate.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := datadir.SaveClient(identity, pki.Pair{Certificate: c, Key: key}, []*x509.Certificate{ca}); err != nil {
		t.Fatal(err)
	}
	return identity, filepath.Join(identity, datadir.ClientCertFile)
}

// crl makes the next revocation list.
func (f *foreign) crl(t *testing.T, revoked ...int64) string {
	t.Helper()
	f.crls++
	list := &x509.RevocationList{Number: big.NewInt(f.crls), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, serial := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, f.cert, f.key)
	if err != nil {
		t.Fatal(err)
	}
	return f.save(t, "crl.pem", "X509 CRL", der)
}

// refusal runs a command of the CLI that fails, and returns what it says.
func refusal(t *testing.T, args ...string) string {
	t.Helper()
	var errs strings.Builder
	p := &process{ctx: context.Background(), stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs}
	if code := run(p, args); code == 0 {
		t.Errorf("dbkeyring %s: no error", strings.Join(args, " "))
	}
	return errs.String()
}

func getsNothing(t *testing.T, what string, c interface {
	Locate(context.Context, *kmip.LocateRequest) (*kmip.LocateResponse, error)
}) {
	t.Helper()
	_, err := c.Locate(context.Background(), &kmip.LocateRequest{})
	if e, ok := errors.AsType[*kmip.Error](err); !ok || e.Reason != kmip.ReasonAuthenticationNotSuccessful {
		t.Errorf("%s: a request on the open connection: %v", what, err)
	}
}

// shut says whether the server closes a connection before it answers.
func shut(t *testing.T, address string, conf *tls.Config) bool {
	t.Helper()
	c, err := tls.Dial("tcp", address, conf)
	if err != nil {
		return true
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, 1)) // in TLS 1.3 the refusal comes after the client's end of the handshake
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestServe_ForeignCA goes through the life of a CA of others, its clients and its
// revocation lists while the server runs.
func TestServe_ForeignCA(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, data)
	ca := newForeign(t, "company")
	pemFile := filepath.Join(ca.dir, "company.pem")
	dbDir, dbCert := ca.client(t, data, "db1", 11, x509.ExtKeyUsageClientAuth)
	strangerDir, strangerCert := ca.client(t, data, "db1", 12, x509.ExtKeyUsageClientAuth)
	_, serverCert := ca.client(t, data, "db3", 13, x509.ExtKeyUsageServerAuth)
	cli := func(args ...string) string { t.Helper(); return command(t, append(args, "--data", data)...) }
	no := func(want string, args ...string) {
		t.Helper()
		if said := refusal(t, append(args, "--data", data)...); !strings.Contains(said, want) {
			t.Errorf("%v said %q, not %q", args, said, want)
		}
	}

	no("was not imported. Run first: dbkeyring ca import", "endpoint", "accept", "db1", dbCert)
	conf := identityConfig(t, dbDir, "localhost")
	if !shut(t, s.address, conf) {
		t.Error("a client of an unknown CA came in")
	}
	no("it is not the certificate of a CA", "ca", "import", dbCert)
	no("own CA", "ca", "import", filepath.Join(data, "ca_certificate.pem"))
	if said := cli("ca", "import", pemFile); !strings.HasPrefix(said, "CA company: CN=company, until ") {
		t.Errorf("import said %q", said)
	}
	no("there is a CA company already", "ca", "import", pemFile)
	no("was imported before", "ca", "import", pemFile, "--name", "twice")
	if !shut(t, s.address, conf) {
		t.Error("the signature of the CA alone let a client in")
	}
	no("is not good for a client", "endpoint", "accept", "db3", serverCert)
	no("there is no such endpoint", "endpoint", "accept", "--renew", "db1", dbCert)
	cli("endpoint", "accept", "db1", dbCert)
	no("is, or was, that of endpoint db1", "endpoint", "accept", "db2", dbCert)

	if handshake(t, s.address, conf).DidResume || !handshake(t, s.address, conf).DidResume {
		t.Error("the client's sessions are not resumed")
	}
	open := client(t, s.address, dbDir)
	id, err := registerKey(open, "k", "content")
	if err != nil {
		t.Fatal(err)
	}
	if !shut(t, s.address, identityConfig(t, strangerDir, "localhost")) {
		t.Error("another certificate of the same name and CA came in")
	}

	// A list that does not name it changes nothing; one that does ends its access.
	cli("ca", "crl", "company", ca.crl(t, 99))
	if _, err := open.Get(context.Background(), id); err != nil {
		t.Errorf("after a list of others: %v", err)
	}
	old, err := os.ReadFile(filepath.Join(ca.dir, "crl.pem"))
	if err != nil {
		t.Fatal(err)
	}
	cli("ca", "crl", "company", ca.crl(t, 11, 99))
	getsNothing(t, "revoked", open)
	if list := cli("endpoint", "list"); !strings.Contains(list, "db1    owner          -      refused  - ") {
		t.Errorf("endpoint list:\n%s", list)
	}
	if !shut(t, s.address, conf) {
		t.Error("a revoked client resumed its session")
	}
	if err := os.WriteFile(filepath.Join(ca.dir, "old.pem"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	no("which is newer", "ca", "crl", "company", filepath.Join(ca.dir, "old.pem"))
	no("there is no imported CA of this name", "ca", "crl", "other", filepath.Join(ca.dir, "old.pem"))

	// Another certificate gives the keys back, also after a restart.
	cli("endpoint", "accept", "--renew", "db1", strangerCert)
	s.end(t, syscall.SIGTERM)
	s = startServer(t, data)
	open = client(t, s.address, strangerDir)
	if _, err := open.Get(context.Background(), id); err != nil {
		t.Errorf("with the new certificate: %v", err)
	}
	if !shut(t, s.address, identityConfig(t, dbDir, "localhost")) {
		t.Error("the revoked client came in after a restart")
	}
	if list := cli("ca", "list"); !strings.Contains(list, "company  CN=company") || !strings.Contains(list, "revoked: 2") || !strings.Contains(list, "db1") {
		t.Errorf("ca list:\n%s", list)
	}

	no("clients have their certificates of it: db1", "ca", "remove", "company")
	cli("ca", "remove", "company", "--force")
	getsNothing(t, "the CA was removed", open)
	if !shut(t, s.address, identityConfig(t, strangerDir, "localhost")) {
		t.Error("a client of a removed CA came in")
	}
	log := auditLines(t, filepath.Join(data, "audit.log"))
	if log["CA Import "] != 1 || log["CA CRL "] != 2 || log["CA Remove "] != 1 || log["Endpoint Accept "] != 2 {
		t.Errorf("the audit log has %v", log)
	}
}
