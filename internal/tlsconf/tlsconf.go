// Package tlsconf is the one place that makes TLS configurations: TLS 1.2 and
// 1.3, mutual authentication, and errors that say which check failed on which
// certificate, so that callers can name the cure.
package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// suites12 are the TLS 1.2 suites in both directions; Go itself orders them,
// the strong ones first. The two CBC-SHA256 ones come last of all. They are
// here because PyKMIP with an RSA certificate, and appliances of its age, take
// nothing better. Suites without forward secrecy are not offered.
var suites12 = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
}

// ClientOptions is what a client of a key server needs. Nothing is optional
// but the two switches and Now.
type ClientOptions struct {
	// Certificate proves who the client is; internal/pemkey loads it.
	Certificate tls.Certificate
	// ServerCA holds the certificates that the server's must chain to.
	ServerCA *x509.CertPool

	// SkipPeerVerification accepts any server certificate, and with it any name.
	SkipPeerVerification bool
	// SkipHostnameVerification accepts a certificate of another name, provided
	// that it is trusted and within its dates.
	SkipHostnameVerification bool

	// Now is the clock for the certificates' dates; nil is time.Now.
	Now func() time.Time
}

// Client makes TLS connections to key servers. It resumes sessions, so that a
// reconnection costs no signature. It may be used by many goroutines at once.
type Client struct {
	base    *tls.Config
	options ClientOptions
}

// NewClient returns a client with a session cache of its own.
func NewClient(o ClientOptions) *Client {
	c := &Client{options: o}
	c.base = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		CipherSuites: suites12,
		// Not Certificates: of those, crypto/tls sends none that the server's list
		// of authorities does not match, and the server then says "handshake
		// failure" where it could say what it dislikes.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.options.Certificate, nil },
		RootCAs:              o.ServerCA,
		Time:                 o.Now,
		ClientSessionCache:   tls.NewLRUClientSessionCache(64),
	}
	switch {
	case o.SkipPeerVerification:
		c.base.InsecureSkipVerify = true
	case o.SkipHostnameVerification:
		// crypto/tls knows only all checks or none. VerifyConnection also runs
		// when a session is resumed.
		c.base.InsecureSkipVerify = true
		c.base.VerifyConnection = func(cs tls.ConnectionState) error { return c.verifyChain(cs.PeerCertificates) }
	}
	return c
}

// Config returns the configuration for the server that is addressed as host: a
// name or an IP address, without a port. The caller may change its copy.
func (c *Client) Config(host string) *tls.Config {
	conf := c.base.Clone()
	conf.ServerName = serverName(host)
	return conf
}

// serverName takes off what is part of an address and not of a name: brackets
// and the zone of an IPv6 address, and the dot that ends an absolute name.
func serverName(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
	}
	return strings.TrimSuffix(host, ".")
}

// Handshake speaks TLS over conn with the server that is addressed as host and
// honours ctx's deadline. Errors are those of [Explain]. On an error conn is closed.
//
// In TLS 1.3 a server refuses the client's certificate only after the handshake:
// the first read then fails, and its error wants Explain, too.
func (c *Client) Handshake(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
	t := tls.Client(conn, c.Config(host))
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("TLS handshake: %w", context.Cause(ctx))
		}
		return nil, c.explain(err, host)
	}
	return t, nil
}

// explain adds the trust of the chain, which crypto/x509 looks at last and
// only when the name was right.
func (c *Client) explain(err error, host string) error {
	err = Explain(err, host)
	failed, ok := errors.AsType[*VerifyError](err)
	if !ok || failed.Check != CheckHostname {
		return err
	}
	if other, ok := errors.AsType[*tls.CertificateVerificationError](c.verifyChain(failed.chain)); ok {
		failed.Also = verifyError(other, failed.Host)
	}
	return err
}

// verifyChain is crypto/tls's check of a server certificate but for its name.
func (c *Client) verifyChain(chain []*x509.Certificate) error {
	intermediates := x509.NewCertPool()
	for _, cert := range chain[1:] {
		intermediates.AddCert(cert)
	}
	o := x509.VerifyOptions{Roots: c.options.ServerCA, Intermediates: intermediates}
	if c.options.Now != nil {
		o.CurrentTime = c.options.Now()
	}
	if _, err := chain[0].Verify(o); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// ServerOptions is what a key server needs.
type ServerOptions struct {
	// GetCertificate returns the server's certificate, at each handshake, so
	// that a renewed one is taken without a restart.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCA holds the certificates that a client's must chain to. A client
	// certificate with extended key usages must have clientAuth among them.
	ClientCA *x509.CertPool
	// Authorize may refuse a client whose certificate is valid. It is asked at
	// each handshake, resumed sessions included: who was removed comes back by
	// no ticket. Nil admits all.
	Authorize func(tls.ConnectionState) error
	// Now is the clock for the certificates' dates; nil is time.Now.
	Now func() time.Time
}

// ServerConfig returns the configuration of a server that admits only clients
// with a certificate. Sessions are resumed by tickets, whose keys change daily.
func ServerConfig(o ServerOptions) *tls.Config {
	return &tls.Config{
		MinVersion:       tls.VersionTLS12,
		CipherSuites:     suites12,
		GetCertificate:   o.GetCertificate,
		ClientAuth:       tls.RequireAndVerifyClientCert,
		ClientCAs:        o.ClientCA,
		VerifyConnection: o.Authorize,
		Time:             o.Now,
	}
}
