package awskms

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// dialer makes the connections: net/http's own TLS, also that through a proxy, leaves
// what it deciphers in memory.
type dialer struct {
	proxy   func(*http.Request) (*url.URL, error)
	roots   *x509.CertPool  // nil: the system's
	timeout time.Duration   // of each attempt to connect, TLS included
	life    context.Context // the client's
}

// proxyError is what went wrong on the way through a proxy.
type proxyError struct {
	host string // never its user and password
	err  error
}

func (e *proxyError) Error() string { return "the proxy " + e.host + ": " + plain(e.err) }
func (e *proxyError) Unwrap() error { return e.err }

// dialPlain connects without TLS: tests do, and endpoints in the machine.
func (d *dialer) dialPlain(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	raw, err := d.connect(ctx, "http", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: raw}, nil
}

// dialTLS connects with TLS.
func (d *dialer) dialTLS(ctx context.Context, _, addr string) (net.Conn, error) {
	ctx, cancel := d.limit(ctx)
	defer cancel()
	raw, err := d.connect(ctx, "https", addr)
	if err != nil {
		return nil, err
	}
	wiping := wipeconn.New(raw)
	t, err := d.handshake(ctx, wiping, addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: t, wiping: wiping, record: recordSize}, nil
}

// limit bounds an attempt to connect. net/http keeps it up when the request that it is for is
// over, if others wait for a connection.
func (d *dialer) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	stop := context.AfterFunc(d.life, cancel)
	return ctx, func() { stop(); cancel() }
}

func (d *dialer) handshake(ctx context.Context, raw net.Conn, addr string) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	t := tls.Client(raw, &tls.Config{
		ServerName: host, RootCAs: d.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return t, nil
}

// connect connects with an address, or, through the proxy that is for it, makes a tunnel.
func (d *dialer) connect(ctx context.Context, scheme, addr string) (net.Conn, error) {
	proxy, err := d.proxy(&http.Request{URL: &url.URL{Scheme: scheme, Host: addr}})
	if err != nil {
		return nil, &proxyError{"of the environment", err}
	}
	if proxy == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	raw, err := d.tunnel(ctx, proxy, addr)
	if err != nil {
		return nil, &proxyError{proxy.Host, err}
	}
	return raw, nil
}

// tunnel has a proxy make a connection (RFC 9110, 9.3.6).
func (d *dialer) tunnel(ctx context.Context, proxy *url.URL, addr string) (net.Conn, error) {
	port := map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	if port == "" {
		return nil, fmt.Errorf("only http:// and https:// proxies are supported, not %s://", proxy.Scheme)
	}
	if p := proxy.Port(); p != "" {
		port = p
	}
	at := net.JoinHostPort(proxy.Hostname(), port)
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	if proxy.Scheme == "https" {
		if raw, err = d.handshake(ctx, raw, at); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	if err := openTunnel(raw, proxy.User, addr); err != nil {
		stop()
		raw.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	if !stop() {
		raw.Close()
		return nil, ctx.Err()
	}
	return raw, nil
}

func openTunnel(raw net.Conn, user *url.Userinfo, addr string) error {
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if user != nil {
		password, _ := user.Password()
		r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if err := r.Write(raw); err != nil {
		return err
	}
	in := bufio.NewReader(io.LimitReader(raw, 16<<10))
	res, err := http.ReadResponse(in, r)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return errors.New(textOf(res.Status))
	case in.Buffered() > 0: // the client of TLS speaks first
		return errors.New("it sent more than its answer")
	}
	return nil
}
