package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// checkedServer is one address of a key server.
type checkedServer struct {
	Server    string     `json:"server"`
	Address   string     `json:"address,omitempty"` // what the host's name was resolved to
	Reachable bool       `json:"reachable"`
	TLS       string     `json:"tls,omitempty"`
	Subject   string     `json:"subject,omitempty"`
	Names     []string   `json:"names,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	Versions  []string   `json:"kmip_versions,omitempty"`
	Needed    int        `json:"operations_needed"`
	Missing   []string   `json:"operations_missing,omitempty"`
	Error     string     `json:"error,omitempty"`

	err     error
	answers bool // it told its operations
}

func (s checkedServer) certificate() string {
	if len(s.Names) > 0 {
		return strings.Join(s.Names, ", ")
	}
	return s.Subject
}

func (s checkedServer) operations() string {
	switch {
	case !s.answers:
		return ""
	case len(s.Missing) > 0:
		return "no " + strings.Join(s.Missing, ", ")
	}
	return fmt.Sprintf("all %d", s.Needed)
}

// atOnce is how many addresses are tried at a time.
const atOnce = 16

// soon is how long before its end a server's certificate is warned about.
const soon = 30 * day

// servers tries every address of every server, each by itself.
func (k *checkup) servers(o backend.Options, needed []kmip.Operation) {
	pair, err := pemkey.LoadPair(o.ClientCertFile, o.ClientKeyFile, o.ClientKeyPassword)
	pool, caErr := x509.SystemCertPool() // mongod's, where it names no other
	if o.ServerCAFile != "" {
		pool, caErr = pemkey.LoadPool(o.ServerCAFile)
	}
	if err := errors.Join(err, caErr); err != nil {
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return
	}
	client := tlsconf.NewClient(tlsconf.ClientOptions{
		Certificate: pair, ServerCA: pool,
		SkipPeerVerification: o.SkipPeerVerification, SkipHostnameVerification: o.SkipHostnameVerification,
	})
	var found []checkedServer
	for _, s := range o.Servers {
		found = append(found, k.resolve(s)...)
	}
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range found {
		group.Go(func() error {
			if s := &found[i]; s.err == nil {
				s.try(k.p.ctx, o, client, k.cmd.Timeout, needed)
			}
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	good := 0
	for i := range found {
		s := &found[i]
		if s.err != nil {
			s.Error = s.err.Error()
		} else if len(s.Missing) == 0 {
			good++
		}
	}
	k.Servers = append(k.Servers, found...)
	for _, s := range found {
		k.judge(s, o, good)
	}
}

// resolve returns all addresses of a server.
func (k *checkup) resolve(server string) []checkedServer {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return []checkedServer{{Server: server, err: err}}
	}
	ctx, cancel := context.WithTimeout(k.p.ctx, k.cmd.Timeout)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return []checkedServer{{Server: server, err: err}}
	}
	all := make([]checkedServer, len(addresses))
	for i, a := range addresses {
		all[i] = checkedServer{Server: server, Address: net.JoinHostPort(a, port)}
	}
	return all
}

// try connects to the address and asks what the server can.
func (s *checkedServer) try(ctx context.Context, o backend.Options, t *tlsconf.Client, timeout time.Duration, needed []kmip.Operation) {
	ctx, cancel := context.WithTimeout(ctx, 2*timeout)
	defer cancel()
	var version kmip.Version
	if o.ProtocolVersion != "" {
		if version, s.err = kmip.ParseVersion(o.ProtocolVersion); s.err != nil {
			return
		}
	}
	var seen sighting
	client, err := kmipclient.New(kmipclient.Options{
		Servers: []string{s.Server}, Timeout: timeout, Version: version,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, s.Address)
			seen.dialled(err)
			return conn, err
		},
		Handshake: func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
			c, err := t.Handshake(ctx, conn, host)
			seen.shook(c, err)
			return c, err
		},
	})
	if err != nil {
		s.err = err
		return
	}
	defer client.Close()
	versions, err := client.DiscoverVersions(ctx)
	seen.tell(s)
	switch {
	case err == nil:
		for _, v := range versions.Versions {
			s.Versions = append(s.Versions, v.String())
		}
	case s.TLS == "": // no question will be answered
		s.err = plainError(err, s.Server)
		return
	}
	answer, err := client.Query(ctx, kmip.QueryOperations)
	if err != nil {
		s.err = plainError(err, s.Server)
		return
	}
	s.answers = true
	if len(s.Versions) == 0 { // Discover Versions came with 1.1
		s.Versions = []string{client.Status().Version.String()}
	}
	for _, op := range needed {
		s.Needed++
		if !slices.Contains(answer.Operations, op) {
			s.Missing = append(s.Missing, op.String())
		}
	}
}

// plainError takes off what a client's error says about the server, and explains
// the rest.
func plainError(err error, server string) error {
	nobody, ok := errors.AsType[*kmipclient.Error](err)
	if !ok || len(nobody.Servers) == 0 {
		return err
	}
	host, _, _ := net.SplitHostPort(server)
	return tlsconf.Explain(nobody.Servers[len(nobody.Servers)-1].Err, host)
}

// sighting is what the connections to an address show. Attempts to connect may
// overlap, and outlive the call that made them.
type sighting struct {
	mu sync.Mutex
	s  checkedServer
}

func (g *sighting) dialled(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.s.Reachable = g.s.Reachable || err == nil
}

// shook takes down what a TLS handshake shows.
func (g *sighting) shook(c *tls.Conn, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e, ok := errors.AsType[*tlsconf.VerifyError](err); ok {
		g.s.Subject, g.s.Names, g.s.Until = e.Subject, e.Names, &e.NotAfter
	}
	if err != nil {
		return
	}
	state := c.ConnectionState()
	g.s.TLS = strings.TrimPrefix(tls.VersionName(state.Version), "TLS ")
	cert := state.PeerCertificates[0]
	g.s.Subject, g.s.Names, g.s.Until = cert.Subject.String(), slices.Clone(cert.DNSNames), &cert.NotAfter
	for _, ip := range cert.IPAddresses {
		g.s.Names = append(g.s.Names, ip.String())
	}
}

func (g *sighting) tell(s *checkedServer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Reachable, s.TLS, s.Subject, s.Names, s.Until = g.s.Reachable, g.s.TLS, g.s.Subject, g.s.Names, g.s.Until
}

// neededOperations are what the back end asks a server to do.
func neededOperations(profile backend.Profile) []kmip.Operation {
	ops := []kmip.Operation{kmip.OpLocate, kmip.OpGet, kmip.OpGetAttributes, kmip.OpRegister, kmip.OpActivate, kmip.OpRevoke, kmip.OpDestroy}
	if profile == backend.ProfileOKV { // the server makes every key
		ops = append(ops, kmip.OpCreate)
	}
	return ops
}

// judge turns what was seen of an address into findings. While another server is
// good, they are warnings.
func (k *checkup) judge(s checkedServer, o backend.Options, good int) {
	level := levelFail
	if good > 0 {
		level = levelWarn
	}
	where := s.Server
	if s.Address != "" && s.Address != s.Server {
		where += " (" + s.Address + ")"
	}
	if s.err != nil {
		cure := ""
		if o.Cure != nil {
			cure = o.Cure(s.err)
		}
		k.find(finding{Level: level, Problem: "key server " + where + ": " + s.Error, Cure: cure})
		return
	}
	if len(s.Missing) > 0 {
		k.find(finding{Level: level, Problem: "key server " + where + ": it does not do " + strings.Join(s.Missing, ", "), Cure: "Allow the client these operations on the key server, or use another one."})
	}
	if s.Until != nil && time.Until(*s.Until) < soon {
		k.find(finding{Level: levelWarn, Problem: "key server " + where + ": its certificate ends on " + s.Until.Format(time.DateOnly), Cure: "Renew it on the key server."})
	}
	if o.ProtocolVersion != "" && !slices.Contains(s.Versions, o.ProtocolVersion) {
		k.find(finding{Level: levelWarn, Problem: "key server " + where + ": it offers KMIP " + strings.Join(s.Versions, ", ") + ", and " + o.ProtocolVersion + " is configured", Cure: "Configure a version that it offers."})
	}
}
