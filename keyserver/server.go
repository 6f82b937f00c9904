package keyserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/usage"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
)

// Endpoints knows who a certificate speaks for; endpoint.Registry is one.
type Endpoints interface {
	Authenticate(*x509.Certificate) (endpoint.Identity, error)
}

// Audit takes a line for each operation; audit.Log is one.
type Audit interface {
	// Ready returns nil if a change can be recorded.
	Ready() error
	// Record writes the line of an operation that has happened.
	Record(...audit.Entry) error
}

// Options is what a [Server] needs.
type Options struct {
	Store     store.Store // sealed, if the objects are to be encrypted; required
	Endpoints Endpoints   // required
	Audit     Audit       // nil: no audit log
	Log       *slog.Logger

	// DuplicateNames lets an endpoint have several objects of one name. Names
	// are unique by default (KMIP 1.4, 3.2).
	DuplicateNames bool

	// Version is this program's, for Query.
	Version string

	// Versions are the versions of KMIP that are spoken; nil: all.
	Versions []kmip.Version

	// Now is the clock; nil is time.Now.
	Now func() time.Time

	// Observe is told of the operations of each message once their audit lines are
	// written, and must not wait; nil: nobody is.
	Observe func([]audit.Entry)

	// Network tunes the connections; its Handler and Log are not used.
	Network kmipserver.Options
}

// Server is a key server.
type Server struct {
	o     Options
	log   *slog.Logger
	now   func() time.Time
	store store.Store
	index *index
	locks keyedMutex
	// changes is held shared by each change, and exclusively by a message that is
	// done as a whole.
	changes sync.RWMutex
	serial  atomic.Uint64 // of the newest object
	parts   parts         // operations on data in parts
	usage   *usage.Log
	limits  limits
	// generating bounds the key pairs, and keys by PBKDF2, that are made at a time: that takes a processor.
	generating chan struct{}
}

// New reads the objects in the store and returns a server for them. The store
// stays the caller's, who closes it after Serve.
func New(o Options) (*Server, error) {
	if o.Store == nil || o.Endpoints == nil {
		return nil, errors.New("a key server needs a store and a register of endpoints")
	}
	for _, v := range o.Versions {
		if !v.Supported() {
			return nil, fmt.Errorf("KMIP %s is not supported", v)
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{o: o, log: o.Log, now: o.Now, store: o.Store, index: newIndex(), usage: usage.New(o.Store), generating: make(chan struct{}, maxGenerating)}
	s.parts = parts{timeout: partTimeout, waiting: make(map[string]*unfinished), count: make(map[string]int)}
	if err := s.load(keptDecoded); err != nil {
		return nil, fmt.Errorf("read the objects of the key store: %w", err)
	}
	return s, nil
}

// Serve answers clients until ctx ends, and returns nil once the requests in
// progress are answered. It may be called for several listeners.
func (s *Server) Serve(ctx context.Context, ln net.Listener, conf *tls.Config) error {
	return s.network().Serve(ctx, ln, conf)
}

// ServeHTTPS is Serve for clients that send their messages over HTTPS, in TTLV, XML
// or JSON (KMIP Profiles 1.4, 5.4).
func (s *Server) ServeHTTPS(ctx context.Context, ln net.Listener, conf *tls.Config) error {
	return s.network().ServeHTTPS(ctx, ln, conf)
}

func (s *Server) network() *kmipserver.Server {
	o := s.o.Network
	o.Handler, o.Log, o.Versions, o.Admit = s, s.log, s.o.Versions, s.admit
	return kmipserver.New(o)
}
