// Package kmstest is an AWS KMS for tests: an HTTP server on loopback that keeps KMS
// keys in memory and really encrypts, and that shows each fault of the real one, with
// its real bodies, when a test asks for it.
package kmstest

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// Region is that of a client made with [Server.Options].
const Region = "eu-central-1"

// account is the AWS account that all keys belong to.
const account = "111122223333"

// Fault is what a request is answered with instead.
type Fault struct {
	Status        int    // HTTP; 0: 400, or what the real one sends with Code
	Code, Message string // of the body's __type and message; Code "": the request is carried out
	Delay         time.Duration
	Hang          bool // no answer until the client goes
	// Cut carries the request out and closes the connection without an answer.
	Cut bool
	// Body is sent in the place of an error's, as it is, with Status.
	Body string
}

// Server is one AWS account and all its regions.
type Server struct {
	URL string
	// Before is called for each request with the operation ("Encrypt") and how many of
	// it there were before; nil is no fault. Set it before the first request, or use
	// SetBefore.
	Before func(op string, n int) *Fault

	mu       sync.Mutex
	keys     map[string]*key   // by ARN
	aliases  map[string]string // by region and alias: ARN
	requests map[string]int
	creds    *awskms.Credentials
	lag      time.Duration // of rotations
}

// New starts a server with nothing in it; it ends with the test.
func New(t testing.TB) *Server {
	s := &Server{keys: map[string]*key{}, aliases: map[string]string{}, requests: map[string]int{}}
	h := httptest.NewServer(s)
	s.URL = h.URL
	t.Cleanup(func() {
		h.CloseClientConnections() // what hangs
		h.Close()
	})
	return s
}

// Options are those of a client of this server.
func (s *Server) Options() awskms.Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := awskms.Credentials{AccessKeyID: "AKIDKMSTEST", SecretAccessKey: "secret of kmstest"}
	if s.creds != nil {
		c = *s.creds
	}
	return awskms.Options{
		Region:      Region,
		Endpoint:    s.URL,
		Credentials: func(context.Context) (awskms.Credentials, error) { return c, nil },
	}
}

// NewKey makes a symmetric KMS key in a region and returns its ARN.
func (s *Server) NewKey(region string) string {
	return s.NewKeyOf(region, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
}

// NewKeyOf makes a KMS key that is for something else, such as "GENERATE_VERIFY_MAC"
// and "HMAC_256".
func (s *Server) NewKeyOf(region, usage, spec string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := newKey(region, usage, spec)
	s.keys[k.arn] = k
	return k.arn
}

// Replicate makes a multi-Region KMS key with the same material in each of the regions
// and returns the ARNs.
func (s *Server) Replicate(regions ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := newKey("", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT")
	first.id = "mrk-" + strings.ReplaceAll(first.id, "-", "")
	var arns []string
	for _, region := range regions {
		k := *first
		k.region, k.arn = region, arnOf(region, "key/"+k.id)
		s.keys[k.arn] = &k
		arns = append(arns, k.arn)
	}
	return arns
}

// SetAlias makes or moves an alias ("alias/NAME") in the region of the key.
func (s *Server) SetAlias(alias, keyARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aliases[arnOf(s.key(keyARN).region, alias)] = keyARN
}

// SetState sets a key's state, such as "Disabled".
func (s *Server) SetState(keyARN, state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key(keyARN).state = state
}

// Drop forgets a key, as if its deletion were over.
func (s *Server) Drop(keyARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, keyARN)
}

// SetRotationLag has rotations take so long from then on.
func (s *Server) SetRotationLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// Materials counts the versions of a key's material.
func (s *Server) Materials(keyARN string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.key(keyARN).rotated().materials)
}

// key is a key that a test names, which has to be there.
func (s *Server) key(arn string) *key {
	k := s.keys[arn]
	if k == nil {
		panic(fmt.Sprintf("kmstest: no key %q", arn))
	}
	return k
}

// SetBefore changes Before while the server runs.
func (s *Server) SetBefore(before func(op string, n int) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Before = before
}

// Requests counts the requests by operation.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

// Credentials makes the server accept only this access key; without it, any is.
func (s *Server) Credentials(c awskms.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.creds = &c
}
