package tlsconf_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pool *x509.CertPool
}

func newKey(t *testing.T, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCA(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t, "ec"), pool: x509.NewCertPool()}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t *testing.T, kind string, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		DNSNames: []string{"keys.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	if change != nil {
		change(template)
	}
	key := newKey(t, kind)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func asClient(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }

// serve answers each connection with one "k" and returns the address.
func serve(t *testing.T, conf *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp4", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(10 * time.Second))
				if _, err := c.Write([]byte("k")); err == nil {
					io.ReadAll(c) // until the client is done
				}
			}()
		}
	}()
	return l.Addr().String()
}

// connect reads the server's "k", as the first exchange of a real client would.
func connect(t *testing.T, c *tlsconf.Client, addr, host string) (tls.ConnectionState, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.Handshake(ctx, raw, host)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return tls.ConnectionState{}, tlsconf.Explain(err, host)
	}
	return conn.ConnectionState(), nil
}

func always(c tls.Certificate) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c, nil }
}

func TestVerification(t *testing.T) {
	ca, stranger := newCA(t, "our CA"), newCA(t, "another CA")
	good := ca.issue(t, "ec", nil)
	noNames := ca.issue(t, "ec", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil; c.Subject.CommonName = "keys.test" })
	expired := ca.issue(t, "ec", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	clientOnly := ca.issue(t, "ec", asClient)
	foreign := stranger.issue(t, "ec", nil)
	clientCert := ca.issue(t, "ec", asClient)

	const ok = tlsconf.Check(-1)
	for _, c := range []struct {
		name   string
		server tls.Certificate
		host   string
		// what to expect with all checks, without the name's, without any
		all, chain tlsconf.Check
		text       string
	}{
		{"name", good, "keys.test", ok, ok, ""},
		{"absolute name", good, "keys.test.", ok, ok, ""},
		{"IPv4", good, "127.0.0.1", ok, ok, ""},
		{"IPv6", good, "[::1]", ok, ok, ""},
		{"IPv6 with zone", good, "::1%lo", ok, ok, ""},
		{"other name", good, "other.test", tlsconf.CheckHostname, ok,
			`the server's certificate is for keys.test, 127.0.0.1, ::1, not for "other.test"`},
		{"other address", good, "127.0.0.2", tlsconf.CheckHostname, ok,
			`the server's certificate is for keys.test, 127.0.0.1, ::1, not for "127.0.0.2"`},
		{"no names", noNames, "keys.test", tlsconf.CheckHostname, ok,
			`the server's certificate (CN=keys.test) has no subject alternative name, so none that matches "keys.test"`},
		{"untrusted", foreign, "keys.test", tlsconf.CheckTrust, tlsconf.CheckTrust,
			`the server's certificate (CN=leaf) is not trusted, its issuer is CN=another CA: certificate signed by unknown authority`},
		{"untrusted and other name", foreign, "other.test", tlsconf.CheckHostname, tlsconf.CheckTrust,
			`not for "other.test"; and the server's certificate (CN=leaf) is not trusted, its issuer is CN=another CA`},
		{"expired", expired, "keys.test", tlsconf.CheckDates, tlsconf.CheckDates, `(CN=leaf) is valid from `},
		{"a client's", clientOnly, "keys.test", tlsconf.CheckUsage, tlsconf.CheckUsage,
			`the server's certificate (CN=leaf) may not be used for a server: certificate specifies an incompatible key usage`},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := serve(t, tlsconf.ServerConfig(tlsconf.ServerOptions{GetCertificate: always(c.server), ClientCA: ca.pool}))
			o := tlsconf.ClientOptions{Certificate: clientCert, ServerCA: ca.pool}
			for _, step := range []struct {
				skip string
				want tlsconf.Check
			}{{"nothing", c.all}, {"hostname", c.chain}, {"peer", ok}} {
				o.SkipHostnameVerification = step.skip == "hostname"
				o.SkipPeerVerification = step.skip == "peer"
				client := tlsconf.NewClient(o)
				for range 2 { // the second one could resume
					_, err := connect(t, client, addr, c.host)
					if step.want == ok {
						if err != nil {
							t.Errorf("skipping %s: %v", step.skip, err)
						}
						continue
					}
					failed, isVerify := errors.AsType[*tlsconf.VerifyError](err)
					if !isVerify || failed.Check != step.want {
						t.Errorf("skipping %s: %v", step.skip, err)
						continue
					}
					if step.skip == "nothing" && !strings.Contains(err.Error(), c.text) {
						t.Errorf("got  %s\nwant %s", err, c.text)
					}
				}
			}
		})
	}
}

// PyKMIP's offer: TLS 1.2 and, for an RSA certificate, only CBC with SHA-256.
func TestClient_WeakestSuiteIsTheLastChoice(t *testing.T) {
	ca := newCA(t, "ca")
	client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: ca.issue(t, "rsa", asClient), ServerCA: ca.pool})
	for _, c := range []struct {
		kind   string
		server []uint16
		want   uint16
	}{
		{"rsa", []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256}, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256},
		{"ec", []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256}, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256},
		{"rsa", []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
	} {
		addr := serve(t, &tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: c.server, Certificates: []tls.Certificate{ca.issue(t, c.kind, nil)},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool,
		})
		if cs, err := connect(t, client, addr, "keys.test"); err != nil || cs.CipherSuite != c.want {
			t.Errorf("%s: %s, %v; want %s", c.kind, tls.CipherSuiteName(cs.CipherSuite), err, tls.CipherSuiteName(c.want))
		}
	}
}

func TestVersions(t *testing.T) {
	ca := newCA(t, "ca")
	server := ca.issue(t, "ec", nil)
	client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: ca.issue(t, "ec", asClient), ServerCA: ca.pool})
	ours := tlsconf.ServerConfig(tlsconf.ServerOptions{GetCertificate: always(server), ClientCA: ca.pool})
	if cs, err := connect(t, client, serve(t, ours), "keys.test"); err != nil || cs.Version != tls.VersionTLS13 {
		t.Errorf("version %x, %v", cs.Version, err)
	}
	ours.MaxVersion = tls.VersionTLS12
	if cs, err := connect(t, client, serve(t, ours), "keys.test"); err != nil || cs.Version != tls.VersionTLS12 {
		t.Errorf("version %x, %v", cs.Version, err)
	}
	old := &tls.Config{Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	_, err := connect(t, client, serve(t, old), "keys.test")
	if e, ok := errors.AsType[*tlsconf.RefusedError](err); !ok || e.AboutCertificate() || e.Alert != "protocol version not supported" {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestServer_ClientCertificates(t *testing.T) {
	ca, stranger := newCA(t, "ca"), newCA(t, "another")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conf := tlsconf.ServerConfig(tlsconf.ServerOptions{GetCertificate: always(ca.issue(t, "ec", nil)), ClientCA: ca.pool})
		conf.MaxVersion = version
		addr := serve(t, conf)
		for _, c := range []struct {
			name string
			cert tls.Certificate
			ok   bool
		}{
			{"good", ca.issue(t, "ec", asClient), true},
			{"none", tls.Certificate{}, false},
			{"foreign", stranger.issue(t, "ec", asClient), false},
			{"a server's", ca.issue(t, "ec", nil), false},
			{"expired", ca.issue(t, "ec", func(x *x509.Certificate) { asClient(x); x.NotAfter = time.Now().Add(-time.Minute) }), false},
		} {
			client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: c.cert, ServerCA: ca.pool})
			_, err := connect(t, client, addr, "keys.test")
			e, refused := errors.AsType[*tlsconf.RefusedError](err)
			if c.ok && err != nil || !c.ok && (!refused || !e.AboutCertificate() && c.name != "none") {
				t.Errorf("%s, %s: %v", tls.VersionName(version), c.name, err)
			}
		}
	}
}

func TestResumption_AsksAuthorizeAgain(t *testing.T) {
	ca := newCA(t, "ca")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var removed atomic.Bool
		conf := tlsconf.ServerConfig(tlsconf.ServerOptions{
			GetCertificate: always(ca.issue(t, "ec", nil)), ClientCA: ca.pool,
			Authorize: func(cs tls.ConnectionState) error {
				if removed.Load() {
					return errors.New("removed")
				}
				return nil
			},
		})
		conf.MaxVersion = version
		addr := serve(t, conf)
		for _, skip := range []bool{false, true} {
			removed.Store(false)
			client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: ca.issue(t, "ec", asClient), ServerCA: ca.pool, SkipHostnameVerification: skip})
			for i := range 3 {
				cs, err := connect(t, client, addr, "keys.test")
				if err != nil || cs.DidResume != (i > 0) {
					t.Errorf("%s, connection %d: resumed %v, %v", tls.VersionName(version), i, cs.DidResume, err)
				}
			}
			removed.Store(true)
			if _, err := connect(t, client, addr, "keys.test"); err == nil {
				t.Errorf("%s: a removed client came in by a ticket", tls.VersionName(version))
			}
		}
	}
}

func TestExplain_PeersThatAreNoTLSServers(t *testing.T) {
	ca := newCA(t, "ca")
	client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: ca.issue(t, "ec", asClient), ServerCA: ca.pool})
	for _, c := range []struct {
		name   string
		answer string
		want   error
	}{
		{"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", tlsconf.ErrNotTLS},
		{"closing", "", tlsconf.ErrClosed},
	} {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, c.answer)
			conn.Close()
		}()
		if _, err := connect(t, client, l.Addr().String(), "keys.test"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		l.Close()
		<-done
	}
	if tlsconf.Explain(nil, "") != nil {
		t.Error("no error was explained")
	}
}

func TestHandshake_HonoursItsDeadline(t *testing.T) {
	ca := newCA(t, "ca")
	client := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: ca.issue(t, "ec", asClient), ServerCA: ca.pool})
	l, err := net.Listen("tcp4", "127.0.0.1:0") // accepts in the kernel and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Handshake(ctx, raw, "keys.test"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := raw.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the connection was left open: %v", err)
	}
}
