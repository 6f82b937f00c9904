// Package keyservertest starts our key server inside a test, with certificates
// of its own, on 127.0.0.1.
package keyservertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Server is a key server of a test.
type Server struct {
	Addr     string // host:port; it stays the same over Stop and Start
	CAFile   string // the CA's certificate
	CA       *pki.CA
	Registry *endpoint.Registry
	Store    store.Store // sealed

	t      testing.TB
	o      keyserver.Options
	server tls.Certificate
	keys   *keyserver.Server // of the last start

	mu     sync.Mutex
	cancel context.CancelFunc // nil while stopped
	done   chan error
}

// Option changes the server's options before it starts.
type Option func(*keyserver.Options)

// WithStore takes another store than a sealed one in memory. It is used as it is,
// and stays the caller's.
func WithStore(s store.Store) Option { return func(o *keyserver.Options) { o.Store = s } }

// WithVersions has the server speak these versions of KMIP only.
func WithVersions(v ...kmip.Version) Option { return func(o *keyserver.Options) { o.Versions = v } }

// New starts a key server; it ends with the test.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{t: t}
	for _, option := range options {
		option(&s.o)
	}
	if s.o.Store == nil {
		root := secret.Random(store.DataKeySize)
		t.Cleanup(root.Wipe)
		sealed, err := store.Seal(memory.New(), store.DataKey{Key: root})
		s.check(err)
		t.Cleanup(func() { sealed.Close() })
		s.o.Store = sealed
	}
	if s.o.Log == nil {
		s.o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	s.Store = s.o.Store
	var err error
	s.CA, err = pki.NewCA(time.Now())
	s.check(err)
	pair, err := s.CA.IssueServer([]string{"localhost", "127.0.0.1"}, time.Now())
	s.check(err)
	s.server = tls.Certificate{Certificate: [][]byte{pair.Certificate.Raw}, PrivateKey: pair.Key, Leaf: pair.Certificate}
	s.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	s.check(pki.SaveCertificate(s.CAFile, s.CA.Certificate))
	s.Registry, err = endpoint.Open(s.Store)
	s.check(err)
	s.o.Endpoints = s.Registry
	s.Addr = "127.0.0.1:0"
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("start a key server: %v", err)
	}
}

// Start starts the server again after Stop, on the same address and store.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		return
	}
	ks, err := keyserver.New(s.o)
	s.check(err)
	ln, err := net.Listen("tcp", s.Addr)
	s.check(err)
	s.Addr = ln.Addr().String()
	conf := s.config()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s.cancel, s.done, s.keys = cancel, done, ks
	go func() { done <- ks.Serve(ctx, ln, conf) }()
}

// config is the server's side of TLS.
func (s *Server) config() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(s.CA.Certificate)
	return tlsconf.ServerConfig(tlsconf.ServerOptions{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &s.server, nil },
		ClientCA:       pool,
	})
}

// ServeHTTPS serves the same objects over HTTPS until the test ends, and returns the
// address. It is for a server that is not stopped meanwhile.
func (s *Server) ServeHTTPS() (addr string) {
	s.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.keys.ServeHTTPS(ctx, ln, s.config()) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("the key server's HTTPS ended with: %v", err)
		}
	})
	return ln.Addr().String()
}

// Keys returns the server that was started last.
func (s *Server) Keys() *keyserver.Server { return s.keys }

// Stop stops the server, as SIGTERM would. What it holds stays in the store.
func (s *Server) Stop() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return
	}
	s.cancel()
	if err := <-s.done; err != nil {
		s.t.Errorf("the key server ended with: %v", err)
	}
	s.cancel = nil
}

// NewClient enrols an endpoint and returns its files.
func (s *Server) NewClient(name string) (certFile, keyFile string) {
	s.t.Helper()
	return s.enrol(name, endpoint.Options{})
}

// NewAdmin enrols an administrator and returns its files.
func (s *Server) NewAdmin(name string) (certFile, keyFile string) {
	s.t.Helper()
	return s.enrol(name, endpoint.Options{Admin: true})
}

func (s *Server) enrol(name string, o endpoint.Options) (certFile, keyFile string) {
	s.t.Helper()
	key, err := pki.NewKey()
	s.check(err)
	cert, err := s.CA.IssueClient(name, key.Public(), time.Hour, time.Now())
	s.check(err)
	_, err = s.Registry.Add(s.t.Context(), name, cert, o)
	s.check(err)
	dir := s.t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	s.check(pki.Pair{Certificate: cert, Key: key}.Save(certFile, keyFile))
	return certFile, keyFile
}

// ClientConfig returns the TLS configuration of a client with these files.
func (s *Server) ClientConfig(certFile, keyFile string) *tls.Config {
	s.t.Helper()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	s.check(err)
	pool := x509.NewCertPool()
	pool.AddCert(s.CA.Certificate)
	return tlsconf.NewClient(tlsconf.ClientOptions{Certificate: cert, ServerCA: pool}).Config("localhost")
}
