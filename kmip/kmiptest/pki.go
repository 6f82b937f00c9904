package kmiptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of a test's own. Its files lie in a
// folder that ends with the test.
type Authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  crypto.Signer

	// CertFile is the authority's certificate.
	CertFile string
}

// Pair is a certificate with its key, in memory and in files.
type Pair struct {
	TLS               tls.Certificate
	CertFile, KeyFile string
}

// NewAuthority makes an authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir()}
	p := a.Issue("ca", NewKey(t), &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign})
	a.CertFile = p.CertFile
	return a
}

// NewKey makes an ECDSA key on P-256.
func NewKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Server issues a certificate for a server of the given names and addresses;
// none stands for localhost and 127.0.0.1.
func (a *Authority) Server(names ...string) Pair {
	a.t.Helper()
	c := &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if len(names) == 0 {
		names = []string{"localhost", "127.0.0.1"}
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	return a.Issue("server", NewKey(a.t), c)
}

// Client issues a certificate for a client, whose identity is the name.
func (a *Authority) Client(name string) Pair {
	a.t.Helper()
	return a.Issue(name, NewKey(a.t), &x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// Issue signs a certificate for the key, with what c gives and what it lacks
// filled in: a serial number, the common name, an hour before and after now.
func (a *Authority) Issue(name string, key crypto.Signer, c *x509.Certificate) Pair {
	a.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = serial
	if c.Subject.CommonName == "" {
		c.Subject = pkix.Name{CommonName: name}
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = time.Now().Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil { // the authority itself
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil {
		a.cert, a.key = leaf, key
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	base := filepath.Join(a.dir, name+"-"+serial.String())
	return Pair{
		TLS:      tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		CertFile: writePEM(a.t, base+".pem", "CERTIFICATE", der),
		KeyFile:  writePEM(a.t, base+".key", "PRIVATE KEY", pkcs8),
	}
}

// Pool holds the authority's certificate.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// ClientConfig is the TLS configuration of a client with the certificate.
func (a *Authority) ClientConfig(p Pair) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool(), Certificates: []tls.Certificate{p.TLS}}
}

// ServerConfig is the TLS configuration of a server that wants clients of this
// authority.
func (a *Authority) ServerConfig(p Pair) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.TLS}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: a.Pool()}
}

func writePEM(t testing.TB, file, label string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
