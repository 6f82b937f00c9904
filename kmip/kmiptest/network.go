package kmiptest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Network is a network in memory whose only clock is package time's, so that a test
// in a bubble of testing/synctest waits for nothing. It ends with its test.
type Network struct {
	mu    sync.Mutex
	wg    sync.WaitGroup
	hosts map[string]*Host
	names map[string][]string
	dials []string
	open  int
	most  int
	ended bool
}

// Host is what answers at an address. Its fields are set before the first
// connection, or by Set.
type Host struct {
	network *Network
	conf    *tls.Config
	handler Handler
	habit   Habit
	delay   time.Duration
	conns   map[*memoryConn]struct{}
}

// Habit is what a host does with connections.
type Habit int

const (
	// Answers is a server that works.
	Answers Habit = iota
	// Refuses is a closed port.
	Refuses
	// BlackHole lets every packet disappear, those of open connections, too.
	BlackHole
	// HalfOpen takes connections and never says a word.
	HalfOpen
)

// NewNetwork makes an empty network: every address is a black hole, and no name
// has an address.
func NewNetwork(t testing.TB) *Network {
	n := &Network{hosts: map[string]*Host{}, names: map[string][]string{}}
	t.Cleanup(func() {
		n.mu.Lock()
		n.ended = true
		for _, h := range n.hosts {
			h.cut()
		}
		n.mu.Unlock()
		n.wg.Wait()
	})
	return n
}

// Host puts a host at an "address:port".
func (n *Network) Host(address string, conf *tls.Config, h Handler) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	host := &Host{network: n, conf: conf, handler: h, conns: map[*memoryConn]struct{}{}}
	n.hosts[address] = host
	return host
}

// Name gives a name its addresses.
func (n *Network) Name(name string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = addresses
}

// Set changes what the host does from now on, and how long it takes to accept a
// connection. Open connections end where the habit is Refuses.
func (h *Host) Set(habit Habit, delay time.Duration) {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	h.habit, h.delay = habit, delay
	if habit == Refuses {
		h.cut()
	}
}

func (h *Host) cut() {
	for c := range h.conns {
		c.Close()
	}
}

// Open is the number of connections with the host.
func (h *Host) Open() int {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return len(h.conns)
}

// Dials are the addresses that were dialled, in order.
func (n *Network) Dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.dials...)
}

// Sockets are how many there are now, and the most that there were at a time.
func (n *Network) Sockets() (now, most int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.open, n.most
}

// Resolve is for kmipclient's Options.
func (n *Network) Resolve(ctx context.Context, name string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a, ok := n.names[name]; ok {
		return a, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// Dial is for kmipclient's Options.
func (n *Network) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.count(address, 1)
	c, err := n.dial(ctx, address)
	if err != nil {
		n.count("", -1)
		return nil, &net.OpError{Op: "dial", Net: network, Addr: memoryAddr(address), Err: err}
	}
	return c, nil
}

// count keeps the number of sockets.
func (n *Network) count(dialled string, more int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if dialled != "" {
		n.dials = append(n.dials, dialled)
	}
	n.open += more
	n.most = max(n.most, n.open)
}

func (n *Network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	h, habit, delay := n.hosts[address], BlackHole, time.Duration(0)
	if h != nil {
		habit, delay = h.habit, h.delay
	}
	n.mu.Unlock()
	if habit == BlackHole {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if habit == Refuses {
		return nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	client, server := newPipe(address, h)
	client.closed = func() { n.count("", -1) }
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return nil, net.ErrClosed
	}
	h.conns[server] = struct{}{}
	server.closed = func() {}
	n.wg.Go(func() {
		if habit == Answers {
			serve(tls.Server(server, h.conf), h.handler)
		} else {
			io.Copy(io.Discard, server)
		}
		server.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(h.conns, server)
	})
	return client, nil
}

// swallows says whether what is sent to the host disappears.
func (h *Host) swallows() bool {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return h.habit == BlackHole || h.habit == HalfOpen
}

// pipe is a connection in memory with room for any number of bytes, unlike
// net.Pipe, on which TLS gets stuck.
type pipe struct {
	mu   sync.Mutex
	cond *sync.Cond
	host *Host
}

// memoryConn is one end of a pipe. Its fields are guarded by the pipe's mutex.
type memoryConn struct {
	*pipe
	address  string
	peer     *memoryConn
	toServer bool
	unread   []byte
	shut     bool
	closed   func() // called once
	deadline time.Time
	timer    *time.Timer
}

func newPipe(address string, h *Host) (client, server *memoryConn) {
	p := &pipe{host: h}
	p.cond = sync.NewCond(&p.mu)
	client, server = &memoryConn{pipe: p, address: address, toServer: true}, &memoryConn{pipe: p, address: address}
	client.peer, server.peer = server, client
	return client, server
}

func (c *memoryConn) expired() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

func (c *memoryConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.shut:
			return 0, net.ErrClosed
		case c.expired():
			return 0, os.ErrDeadlineExceeded
		case len(c.unread) > 0:
			n := copy(b, c.unread)
			c.unread = c.unread[n:]
			return n, nil
		case c.peer.shut:
			return 0, io.EOF
		}
		c.cond.Wait()
	}
}

func (c *memoryConn) Write(b []byte) (int, error) {
	lost := c.toServer && c.host.swallows()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.shut:
		return 0, net.ErrClosed
	case c.expired():
		return 0, os.ErrDeadlineExceeded
	case lost:
	case c.peer.shut:
		return 0, syscall.EPIPE
	default:
		c.peer.unread = append(c.peer.unread, b...)
		c.cond.Broadcast()
	}
	return len(b), nil
}

func (c *memoryConn) Close() error {
	c.mu.Lock()
	again := c.shut
	c.shut = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.cond.Broadcast()
	c.mu.Unlock()
	if again {
		return net.ErrClosed
	}
	c.closed()
	return nil
}

func (c *memoryConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		return net.ErrClosed
	}
	c.deadline = t
	if c.timer != nil {
		c.timer.Stop()
	}
	if !t.IsZero() {
		c.timer = time.AfterFunc(time.Until(t), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.cond.Broadcast()
		})
	}
	return nil
}

// SetReadDeadline sets both: TLS needs no more.
func (c *memoryConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline does nothing: there is always room.
func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }

func (c *memoryConn) LocalAddr() net.Addr  { return memoryAddr("127.0.0.1:1") }
func (c *memoryConn) RemoteAddr() net.Addr { return memoryAddr(c.address) }

type memoryAddr string

func (memoryAddr) Network() string  { return "tcp" }
func (a memoryAddr) String() string { return string(a) }
