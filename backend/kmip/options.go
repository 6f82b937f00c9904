package kmip

import (
	"time"

	"github.com/dbkeyring/dbkeyring/secret"
)

// Profile is a way of keeping keys as objects. Clients of different profiles do
// not read each other's keys.
type Profile int

const (
	// ProfilePercona is that of Percona Server's component_keyring_kmip: keys are
	// made here and registered, the object's Name is the key's.
	ProfilePercona Profile = iota
	// ProfileOKV is that of MySQL's keyring_okv and MySQL Enterprise's
	// component_keyring_kmip: the server makes every key, and a key counts once
	// it is Active and marked as complete.
	ProfileOKV
)

// Options is what a configuration dialect (config/...) ends in. The paths are
// absolute. The zero value of each optional field is its documented default.
type Options struct {
	// Profile says how keys become objects.
	Profile Profile

	// Servers is the list of key servers in the order to try, each "host:port"
	// or "[v6]:port".
	Servers []string

	// ClientCertFile is a PEM file with the client certificate and its chain,
	// ClientKeyFile one with its private key (both may be the same file), and
	// ServerCAFile the certificates that the server's certificate must chain to.
	ClientCertFile, ClientKeyFile, ServerCAFile string
	// ClientKeyPassword opens an encrypted private key; nil for a plain one.
	ClientKeyPassword *secret.Bytes

	// SkipPeerVerification accepts any server certificate, and with it any name.
	// SkipHostnameVerification accepts a trusted certificate of another name.
	SkipPeerVerification, SkipHostnameVerification bool

	// ObjectGroup is put on what is stored, and only objects that carry it are
	// seen. Empty: every object that the certificate may see.
	ObjectGroup string
	// MaxObjects is the most objects of a type that are taken at a load; more are
	// an error. 0 means 65535.
	MaxObjects int

	// NoCache keeps no key in memory between operations: each Fetch asks the
	// server.
	NoCache bool

	// Timeout bounds an exchange with a server. 0 means 5 s.
	Timeout time.Duration
	// ConnectTimeout bounds each attempt to connect to a server, TLS included. The
	// attempts overlap. 0 means Timeout.
	ConnectTimeout time.Duration
	// StartTimeout bounds the first load of all keys. 0 means 10 s.
	StartTimeout time.Duration

	// ProtocolVersion is "1.0" to "1.4", "2.0" or "2.1", or "" to take the highest that both
	// sides speak. With ProfileOKV "" is "1.1".
	ProtocolVersion string

	// RefuseInactive makes Fetch answer keyring.ErrInactive for a key whose state
	// is Deactivated or Compromised. The default serves it with a warning.
	RefuseInactive bool

	// Cure says what to do about an error of a connection, in the words of the
	// configuration that the options came from: sentences, or "" where there is
	// no advice. Nil: there is none at all.
	Cure func(error) string
}
