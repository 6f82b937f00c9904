package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

// certificateInterval is how often the files of a given certificate are looked at.
const certificateInterval = 5 * time.Second

// certFlags give the server a certificate of another CA.
type certFlags struct {
	Cert   string `placeholder:"FILE" help:"A certificate of another CA for the server, with the intermediate ones after it. Clients that ask for a name in it get it, others the built-in one. It is read anew when it changes."`
	Key    string `placeholder:"FILE" help:"The private key of --cert, not encrypted."`
	CertCA string `name:"cert-ca" placeholder:"FILE" help:"The CA that signed --cert. Clients that are enrolled get it, to know the server by."`
}

func (c *certFlags) check() error {
	given := 0
	for _, file := range []string{c.Cert, c.Key, c.CertCA} {
		if file != "" {
			given++
		}
	}
	if given != 0 && given != 3 {
		return errors.New("--cert, --key and --cert-ca go together")
	}
	return nil
}

// certificates are those that the server shows: its own, and one that it may have been given.
type certificates struct {
	own   atomic.Pointer[tls.Certificate]
	given atomic.Pointer[tls.Certificate] // nil: none

	mu    sync.Mutex      // held by who reads the files
	files pki.ServerFiles // of the given one
	stamp string          // of the files when they were last read
}

// choose returns the given certificate to who asks for a name that stands in it, or, without
// a name, came to such an address; else the own one. So who knows the server by its own CA
// goes on by the names that only the own certificate has.
func (c *certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	given := c.given.Load()
	if given == nil {
		return c.own.Load(), nil
	}
	name := hello.ServerName
	if name == "" && hello.Conn != nil {
		name, _, _ = net.SplitHostPort(hello.Conn.LocalAddr().String()) // "" is in no certificate
	}
	if given.Leaf.VerifyHostname(name) == nil {
		return given, nil
	}
	return c.own.Load(), nil
}

// until is the end of the one that ends first.
func (c *certificates) until() time.Time {
	end := c.own.Load().Leaf.NotAfter
	if given := c.given.Load(); given != nil && given.Leaf.NotAfter.Before(end) {
		end = given.Leaf.NotAfter
	}
	return end
}

// names returns all names by which the server can be known.
func (c *certificates) names() []string {
	names := pki.NamesOf(c.own.Load().Leaf)
	if given := c.given.Load(); given != nil {
		for _, name := range pki.NamesOf(given.Leaf) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// startCertificates takes the certificates into use. A start with a bad one fails.
func (s *server) startCertificates(ctx context.Context, now time.Time) error {
	if s.certificates.files == (pki.ServerFiles{}) {
		if err := s.dir.KeepServerCA(nil); err != nil {
			return err
		}
	} else if err := s.readGiven(now, true); err != nil {
		return fmt.Errorf("--cert, --key and --cert-ca: %w", err)
	}
	return s.upkeep(ctx, now)
}

// readGiven reads the files of the given certificate, unless they are as they were and
// always is false. What cannot be used is an error, once, and the old one stays.
func (s *server) readGiven(now time.Time, always bool) error {
	c := &s.certificates
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == (pki.ServerFiles{}) {
		return nil
	}
	stamp := c.files.Stamp() // before they are read: what comes later is a change
	if stamp == c.stamp && !always {
		return nil
	}
	c.stamp = stamp
	given, err := c.files.Load(now)
	if err == nil {
		err = s.dir.KeepServerCA(given.Roots)
	}
	if err != nil {
		return err
	}
	c.given.Store(given.Certificate)
	leaf := given.Certificate.Leaf
	s.log.Info("took a certificate for the server", "file", c.files.Cert, "names", pki.NamesOf(leaf), "valid_until", leaf.NotAfter.Format(time.RFC3339))
	return nil
}

// rereadGiven is readGiven of a server that runs.
func (s *server) rereadGiven(now time.Time, always bool) {
	if err := s.readGiven(now, always); err != nil {
		s.log.Error("the server's certificate was not taken; the one before it stays in use", "error", err)
	}
}

// givenEnds warns of a given certificate that nobody has replaced in time. Some last only
// days, and are replaced late in them.
func (s *server) givenEnds(now time.Time) {
	given := s.certificates.given.Load()
	if given == nil {
		return
	}
	leaf := given.Leaf
	if before := min(pki.RenewBefore, leaf.NotAfter.Sub(leaf.NotBefore)/4); now.Add(before).After(leaf.NotAfter) {
		s.log.Warn("the server's certificate ends soon, or has ended. Replace the files of --cert and --key", "end", leaf.NotAfter.Format(time.RFC3339))
	}
}

// givenHolds is a sign of health: a client that asks for the given certificate gets one that is valid.
func (s *server) givenHolds() error {
	if given := s.certificates.given.Load(); given != nil && time.Now().After(given.Leaf.NotAfter) {
		return fmt.Errorf("the server's certificate %s has ended on %s", s.certificates.files.Cert, given.Leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}
