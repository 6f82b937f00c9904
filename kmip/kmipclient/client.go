package kmipclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Options says whom to talk to. Only Servers and TLS (or Handshake) are needed.
type Options struct {
	// Servers are "host:port" or "[v6]:port", the best one first.
	Servers []string
	// TLS is the configuration of the connections. An empty ServerName is filled in
	// with the host of the server that is talked to.
	TLS *tls.Config
	// Handshake, if it is set, makes the TLS connections in place of TLS, for
	// callers who word its errors. On an error it closes conn.
	Handshake func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error)
	// Timeout bounds each exchange with one server. 0 means 5 s.
	Timeout time.Duration
	// ConnectTimeout bounds each attempt to connect to a server: to find its
	// addresses, TCP, TLS and the version. The attempts overlap. 0 means Timeout.
	ConnectTimeout time.Duration
	// Version fixes the protocol version. Zero takes the highest that the server
	// speaks, too.
	Version kmip.Version
	// MaxResponse is the longest answer in bytes that is read. 0 means 16 MiB.
	MaxResponse int64
	// MaxAge and MaxIdle are how long a connection is kept, in all and unused:
	// firewalls forget silently. 0 means 10 min and 1 min.
	MaxAge, MaxIdle time.Duration
	// Logger gets what is worth knowing, never a key. Nil logs nothing.
	Logger *slog.Logger
	// Dial connects to one address, and Resolve finds those of a host, for tests.
	// Nil are a net.Dialer's and a net.Resolver's.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Resolve func(ctx context.Context, host string) ([]string, error)
}

// Client talks to key servers. Its methods may be called from many goroutines.
type Client struct {
	o       Options
	servers []*server
	sockets chan struct{}   // held by attempts to connect; clones share it
	life    context.Context // ends when the client is closed
	end     context.CancelFunc
	// sessionTimeout bounds TCP and TLS with one address; 0 is no further bound.
	sessionTimeout time.Duration

	// turn is held by who uses the connection: a mutex that a context can leave.
	turn chan struct{}
	// What follows belongs to the holder of the turn.
	conn    *conn
	current *server // the last good one; nil before the first
	back    comeback

	mu     sync.Mutex // guards what follows
	status Status
	clock  clock // the current server's
	closed bool
}

// Status is what a client knows of its connection.
type Status struct {
	Server  string       // the last good server, "" before the first
	Rank    int          // its place in Options.Servers; 0 is the best
	Since   time.Time    // when it came into use
	Version kmip.Version // the version spoken with it
	Clock   time.Time    // what its clock says now; zero if it does not tell
	Batches bool         // whether it takes several operations in one request
	Err     error        // why the last exchange got no answer; nil if it did
}

const (
	defaultTimeout     = 5 * time.Second
	defaultMaxResponse = 16 << 20
	defaultMaxAge      = 10 * time.Minute
	defaultMaxIdle     = time.Minute
)

// ErrClosed is what every call gets after Close.
var ErrClosed = errors.New("the KMIP client is closed")

// New checks the options. It connects to nobody: the first call does.
func New(o Options) (*Client, error) {
	var errs []error
	c := newClient(o, make(chan struct{}, maxSockets))
	for rank, addr := range o.Servers {
		host, port, err := net.SplitHostPort(addr)
		if err == nil && (host == "" || port == "") {
			err = errors.New("the host or the port is empty")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q is not host:port: %w", addr, err))
			continue
		}
		c.servers = append(c.servers, &server{rank: rank, addr: addr, host: host, port: port})
	}
	if len(o.Servers) == 0 {
		errs = append(errs, errors.New("there is no server"))
	}
	if o.TLS == nil && o.Handshake == nil {
		errs = append(errs, errors.New("there is no TLS configuration"))
	}
	if o.Version != (kmip.Version{}) && !o.Version.Supported() {
		errs = append(errs, fmt.Errorf("KMIP version %s is not supported", o.Version))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.o.Timeout <= 0 {
		c.o.Timeout = defaultTimeout
	}
	if c.o.ConnectTimeout <= 0 {
		c.o.ConnectTimeout = c.o.Timeout
	}
	if c.o.MaxResponse <= 0 {
		c.o.MaxResponse = defaultMaxResponse
	}
	if c.o.MaxAge <= 0 {
		c.o.MaxAge = defaultMaxAge
	}
	if c.o.MaxIdle <= 0 {
		c.o.MaxIdle = defaultMaxIdle
	}
	if c.o.Logger == nil {
		c.o.Logger = slog.New(slog.DiscardHandler)
	}
	if c.o.Handshake == nil {
		c.o.Handshake = c.handshake
	}
	if c.o.Dial == nil {
		c.o.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if c.o.Resolve == nil {
		c.o.Resolve = net.DefaultResolver.LookupHost
	}
	return c, nil
}

func newClient(o Options, sockets chan struct{}) *Client {
	c := &Client{o: o, turn: make(chan struct{}, 1), sockets: sockets}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Clone returns a client with the same options and a connection of its own. It
// talks only to the server that answered c last, if one did.
func (c *Client) Clone() *Client {
	last := c.Status().Server
	if i := slices.IndexFunc(c.servers, func(s *server) bool { return s.addr == last }); i >= 0 {
		return c.cloneFor(c.servers[i])
	}
	return c.cloneFor(c.servers...)
}

func (c *Client) cloneFor(servers ...*server) *Client {
	clone := newClient(c.o, c.sockets)
	clone.servers = servers
	return clone
}

// Status says how things stand.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.status
	s.Clock = c.clock.now()
	return s
}

// Close ends the connection and all attempts to connect. Calls whose exchange is
// under way end with it.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.hangUpClosed()
	return nil
}

// hangUpClosed ends the connection of a closed client, unless somebody has the
// turn: who gives it back calls this again.
func (c *Client) hangUpClosed() {
	select {
	case c.turn <- struct{}{}:
		c.hangUp()
		<-c.turn
	default:
	}
}

func (c *Client) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// take waits for the turn, as long as another call's connecting or exchange may
// take.
func (c *Client) take(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, max(c.o.Timeout, c.o.ConnectTimeout))
	defer cancel()
	select {
	case c.turn <- struct{}{}:
	case <-wait.Done():
		return &Error{Servers: []*ServerError{{
			Server: c.servers[0].addr, Phase: PhaseWait, Err: wait.Err(),
		}}}
	}
	if c.isClosed() {
		c.give()
		return ErrClosed
	}
	return nil
}

func (c *Client) give() {
	<-c.turn
	if c.isClosed() {
		c.hangUpClosed()
	}
}

func (c *Client) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// report records how an exchange went. A refusal is an answer as well.
func (c *Client) report(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Err = err
	if err == nil && c.conn != nil {
		c.status.describe(c.conn)
		c.clock = c.conn.clock
	}
}

// describe tells of the connection in use.
func (s *Status) describe(cn *conn) {
	if s.Server != cn.server.addr || s.Since.IsZero() {
		s.Server, s.Rank, s.Since = cn.server.addr, cn.server.rank, time.Now()
	}
	s.Version, s.Batches = cn.version, cn.batch != 1
}
