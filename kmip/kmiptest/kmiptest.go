// Package kmiptest helps to test KMIP clients and servers over real TLS on
// 127.0.0.1: a certificate authority, and a server around any Handler.
//
// For our whole key server in a test see keyserver/keyservertest.
package kmiptest

import (
	"context"
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

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// CA is a certificate authority for one test.
type CA struct {
	Pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes a certificate authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{Pool: x509.NewCertPool(), key: newKey(t)}
	ca.cert = ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, ca.key)
	ca.Pool.AddCert(ca.cert)
	return ca
}

// Server issues a certificate for localhost and 127.0.0.1.
func (ca *CA) Server(t testing.TB) tls.Certificate {
	return ca.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// Client issues a certificate for a client.
func (ca *CA) Client(t testing.TB, name string) tls.Certificate {
	return ca.issue(t, &x509.Certificate{
		Subject:  pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// File writes the CA's certificate into a file of the test.
func (ca *CA) File(t testing.TB) string {
	t.Helper()
	return WritePEM(t, "CERTIFICATE", ca.cert.Raw)
}

// ClientConfig returns the TLS configuration of a client.
func (ca *CA) ClientConfig(t testing.TB, name string) *tls.Config {
	return &tls.Config{RootCAs: ca.Pool, ServerName: "localhost", Certificates: []tls.Certificate{ca.Client(t, name)}}
}

// ServerConfig returns the TLS configuration of a server that wants certificates
// of this CA.
func (ca *CA) ServerConfig(t testing.TB) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.Server(t)},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool,
	}
}

func (ca *CA) issue(t testing.TB, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key := newKey(t)
	cert := ca.sign(t, template, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// sign issues a certificate for a key; the CA's own is signed by itself.
func (ca *CA) sign(t testing.TB, template *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent := ca.cert
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// WritePEM writes one PEM block into a file of the test and returns its path.
func WritePEM(t testing.TB, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Server is a server of a test.
type Server struct {
	Addr string // host:port
	CA   *CA
	stop context.CancelFunc
	done chan error
}

// Serve starts a server with a CA of its own; it ends with the test.
func Serve(t testing.TB, o kmipserver.Options) *Server {
	t.Helper()
	ca := NewCA(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{Addr: ln.Addr().String(), CA: ca, stop: cancel, done: make(chan error, 1)}
	conf := ca.ServerConfig(t)
	go func() { s.done <- kmipserver.New(o).Serve(ctx, ln, conf) }()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("the server ended with: %v", err)
		}
	})
	return s
}

// Stop ends the server, lets it drain, and returns what Serve returned.
func (s *Server) Stop() error {
	s.stop()
	err := <-s.done
	s.done <- err // for the next one who asks
	return err
}

// Conn is a client's bare connection: it sends and receives messages and knows no
// more.
type Conn struct {
	net.Conn
	t testing.TB
}

// exchangeTimeout bounds an exchange of a test.
const exchangeTimeout = 20 * time.Second

// Dial connects with a TLS configuration; the connection ends with the test.
func Dial(t testing.TB, addr string, conf *tls.Config) *Conn {
	t.Helper()
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: exchangeTimeout}, Config: conf}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("connect to the server: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return &Conn{Conn: c, t: t}
}

// Do sends a request and returns the response.
func (c *Conn) Do(m *kmip.RequestMessage) *kmip.ResponseMessage {
	c.t.Helper()
	var w ttlv.Writer
	m.Encode(&w)
	frame, err := c.Raw(w.Bytes())
	if err != nil {
		c.t.Fatalf("exchange a message: %v", err)
	}
	response, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		c.t.Fatalf("read the response: %v", err)
	}
	return response
}

// One sends one operation and returns its item.
func (c *Conn) One(v kmip.Version, p kmip.Payload) kmip.ResponseItem {
	c.t.Helper()
	m := c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: v}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}})
	if len(m.Items) != 1 {
		c.t.Fatalf("%s: %d items in the response", p.Operation(), len(m.Items))
	}
	return m.Items[0]
}

// Raw sends bytes as they are and returns the frame that comes back.
func (c *Conn) Raw(b []byte) ([]byte, error) {
	c.SetDeadline(time.Now().Add(exchangeTimeout))
	if _, err := c.Write(b); err != nil {
		return nil, err
	}
	return ReadFrame(c)
}
