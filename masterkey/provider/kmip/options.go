// Package kmip is the provider of master keys on KMIP servers, as Percona Server for
// MongoDB and MongoDB Enterprise keep them there.
package kmip

import (
	"time"

	"github.com/dbkeyring/dbkeyring/secret"
)

// Options say which servers, as whom, and how long to wait. Paths are absolute.
type Options struct {
	// Servers in the order to try, each "host:port" or "[v6]:port".
	Servers []string
	// CertFile is a PEM file with the client's private key and its certificate chain;
	// Password opens an encrypted key, nil is for a plain one.
	CertFile string
	Password *secret.Bytes
	// CAFile has certificates to trust besides the system's; "" is those alone.
	CAFile string
	// Timeout bounds each exchange with a server, and each attempt to connect. 0 is 5 s.
	Timeout time.Duration
	// Attempts is how often the servers are gone through before they count as
	// unreachable. 0 is 1.
	Attempts int
	// ServerCreates has the server make new keys (Create); else they are made here
	// (Register).
	ServerCreates bool
	// Cure says what to do about an error of a connection, in the words of a
	// configuration; it may be nil.
	Cure func(error) string
}
