package kmipclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Options says whom to talk to. Only Servers and TLS (or Handshake) are needed.
type Options struct {
	// Servers are "host:port" or "[v6]:port", in the order to try.
	Servers []string
	// TLS is the configuration of the connections. An empty ServerName is filled in
	// with the host of the server that is talked to.
	TLS *tls.Config
	// Handshake, if it is set, makes the TLS connections in place of TLS, for
	// callers who word its errors. On an error it closes conn.
	Handshake func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error)
	// Timeout bounds each exchange with one server, connecting included. 0 means 5 s.
	Timeout time.Duration
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
	// Dial connects to one address, for tests. Nil is a net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client talks to key servers. Its methods may be called from many goroutines.
type Client struct {
	o       Options
	servers []server

	// turn is held by who uses the connection: a mutex that a context can leave.
	turn chan struct{}
	// What follows belongs to the holder of the turn.
	conn    *conn
	current int // index into servers of the last good one
	habits  map[*server]habit

	mu     sync.Mutex // guards status and closed
	status Status
	closed bool
}

type server struct{ addr, host, port string }

// Status is what a client knows of its connection.
type Status struct {
	Server  string       // the last good server, "" before the first
	Version kmip.Version // the version spoken with it
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
	c := &Client{o: o, turn: make(chan struct{}, 1)}
	for _, addr := range o.Servers {
		host, port, err := net.SplitHostPort(addr)
		if err == nil && (host == "" || port == "") {
			err = errors.New("the host or the port is empty")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q is not host:port: %w", addr, err))
			continue
		}
		c.servers = append(c.servers, server{addr, host, port})
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
	return c, nil
}

// Clone returns a client with the same options and a connection of its own. It
// talks only to the server that answered c last, if one did.
func (c *Client) Clone() *Client {
	clone := &Client{o: c.o, turn: make(chan struct{}, 1)}
	last := c.Status().Server
	for _, addr := range c.o.Servers {
		if last == "" || addr == last {
			host, port, _ := net.SplitHostPort(addr) // New has checked it
			clone.servers = append(clone.servers, server{addr: addr, host: host, port: port})
		}
	}
	return clone
}

// Status says how things stand.
func (c *Client) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// Close ends the connection. Calls that are under way end with their exchange.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
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

// take waits for the turn, as long as an exchange may take.
func (c *Client) take(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, c.o.Timeout)
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
		c.status.Server, c.status.Version, c.status.Batches = c.conn.server.addr, c.conn.version, c.conn.batch != 1
	}
}
