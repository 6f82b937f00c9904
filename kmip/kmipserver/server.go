package kmipserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// Options is what a [Server] can be told. The zero value of each field but
// Handler stands for its default.
type Options struct {
	Handler Handler
	Log     *slog.Logger // nil: no log

	// MaxRequestSize is the largest request in bytes; default 1 MiB.
	MaxRequestSize int
	// MaxResponseSize bounds what the answers of one batch may take in bytes,
	// whatever the client allows; default 16 MiB.
	MaxResponseSize int
	// Limits bounds the structure of a request.
	Limits ttlv.Limits
	// Versions are the versions that the server speaks; default all of package
	// kmip's. Others are refused.
	Versions []kmip.Version
	// MaxConnections is the most connections at a time; default 4096. More are
	// closed as soon as they come, but for those that push out one that is still
	// in its TLS handshake.
	MaxConnections int
	// MaxHandshakes is the most connections in their TLS handshake, whose other
	// end is anybody; default 512. One more closes the one that has been at it for
	// longest: a client is done in milliseconds, who only holds a place is not.
	MaxHandshakes int

	// Stats is where connections are counted; nil: nowhere.
	Stats *Stats

	// Admit is asked for each connection whose client has shown its certificate; nil
	// admits all. After an error the connection is closed, else leave is called at its end.
	Admit func(*x509.Certificate) (leave func(), err error)

	// HandshakeTimeout bounds the TLS handshake; default 10 s.
	HandshakeTimeout time.Duration
	// ReadTimeout bounds the time from a request's first byte to its last;
	// default 10 s.
	ReadTimeout time.Duration
	// WriteTimeout bounds the sending of a response; default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may stay without a request; default
	// 30 minutes. Clients keep connections for long and do not expect to lose them.
	IdleTimeout time.Duration
	// DrainTimeout bounds how long Serve waits at its end for the requests in
	// progress; default 10 s.
	DrainTimeout time.Duration
}

func orDefault[T int | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Server answers KMIP clients.
type Server struct {
	o      Options
	log    *slog.Logger
	undoer Undoer // nil: the Handler is none
	conns  connSet
	full   atomic.Int64 // connections refused since the last log line about it
}

// New returns a server that is ready to Serve.
func New(o Options) *Server {
	o.MaxRequestSize = orDefault(o.MaxRequestSize, 1<<20)
	o.MaxResponseSize = orDefault(o.MaxResponseSize, 16<<20)
	o.MaxConnections = orDefault(o.MaxConnections, 4096)
	o.MaxHandshakes = orDefault(o.MaxHandshakes, 512)
	o.HandshakeTimeout = orDefault(o.HandshakeTimeout, 10*time.Second)
	o.ReadTimeout = orDefault(o.ReadTimeout, 10*time.Second)
	o.WriteTimeout = orDefault(o.WriteTimeout, 30*time.Second)
	o.IdleTimeout = orDefault(o.IdleTimeout, 30*time.Minute)
	o.DrainTimeout = orDefault(o.DrainTimeout, 10*time.Second)
	if o.Stats == nil {
		o.Stats = new(Stats)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Versions = slices.DeleteFunc(kmip.Versions(), func(v kmip.Version) bool { return len(o.Versions) > 0 && !slices.Contains(o.Versions, v) })
	undoer, _ := o.Handler.(Undoer)
	return &Server{o: o, log: o.Log, undoer: undoer}
}

// Serve accepts connections until ctx ends. Then it closes the listener and the
// idle connections, lets the requests in progress be answered (for DrainTimeout
// at most), and returns nil. Any other end is an error. A Server serves once.
func (s *Server) Serve(ctx context.Context, ln net.Listener, conf *tls.Config) error {
	// Operations go on while the server drains: only a forced end cancels them.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		ln.Close()
		s.conns.drain()
	})
	defer stop()

	err := s.accept(ctx, work, ln, conf)
	ln.Close()
	s.conns.drain()
	if !s.conns.wait(s.o.DrainTimeout) {
		s.log.Warn("requests in progress did not end in time; their connections are closed", "timeout", s.o.DrainTimeout)
		cancel()
		s.conns.closeAll()
		s.conns.wait(s.o.DrainTimeout)
	}
	return err
}

func (s *Server) accept(ctx, work context.Context, ln net.Listener, conf *tls.Config) error {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept a connection: %w", err)
		default: // such as too many open files: it may pass
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Error("cannot accept a connection; trying again", "error", err, "in", pause)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			continue
		}
		// A wiping connection clears what was deciphered when TLS waits for more.
		c := &conn{s: s, nc: nc, tls: tls.Server(wipeconn.New(nc), conf)}
		c.peer.Address = nc.RemoteAddr().String()
		if out := s.conns.add(c, s.o.MaxConnections, s.o.MaxHandshakes); out != nil {
			out.nc.Close()
			s.o.Stats.Refused.Add(1)
			if n := s.full.Add(1); n&(n-1) == 0 { // 1, 2, 4, 8...: a flood does not flood the log
				s.log.Warn("a connection was closed: too many are open or in their TLS handshake, or the server is ending",
					"limit", s.o.MaxConnections, "handshakes", s.o.MaxHandshakes, "from", out.peer.Address, "closed", n)
			}
			if out == c {
				continue
			}
		}
		s.o.Stats.Accepted.Add(1)
		s.o.Stats.Open.Add(1)
		go func() {
			defer s.o.Stats.Open.Add(-1)
			defer s.conns.remove(c)
			defer nc.Close()
			defer s.survive(c.peer.Address)
			c.serve(work)
		}()
	}
}

// survive keeps a panic from ending the process.
func (s *Server) survive(peer string) {
	if p := recover(); p != nil {
		s.log.Error("a fault of this program ended a connection", "from", peer, "panic", p, "stack", string(debug.Stack()))
	}
}
