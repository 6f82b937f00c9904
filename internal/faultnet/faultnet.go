// Package faultnet puts a network that fails on command between a client and a
// server under test: a TCP proxy on 127.0.0.1 whose behaviour is switched at
// run time. It is for tests only.
package faultnet

import (
	"crypto/rand"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Mode is what the proxy does; make one with the functions below.
type Mode struct {
	kind  kind
	bytes int
	delay time.Duration
}

type kind int

const (
	pass kind = iota
	refuse
	freeze
	cut
	garbage
)

// Pass hands everything on. It also thaws: what was held back by Freeze flows on.
func Pass() Mode { return Mode{kind: pass} }

// Refuse ends all connections and lets no new one in ("connection refused").
func Refuse() Mode { return Mode{kind: refuse} }

// Freeze keeps connections open, takes new ones, and hands nothing on.
func Freeze() Mode { return Mode{kind: freeze} }

// CutAfter ends a connection once n bytes of the server's have gone through
// it since the switch.
func CutAfter(n int) Mode { return Mode{kind: cut, bytes: n} }

// Garbage answers whatever the client sends with as many random bytes; the
// server hears nothing of it.
func Garbage() Mode { return Mode{kind: garbage} }

// Delay hands everything on, each piece of the server's d later.
func Delay(d time.Duration) Mode { return Mode{kind: pass, delay: d} }

// Proxy is the faulty network. Its methods may be called at any time.
type Proxy struct {
	t    testing.TB
	addr string

	mu       sync.Mutex
	target   string
	mode     Mode
	epoch    int           // counts the switches
	switched chan struct{} // closed at the next switch
	listener net.Listener  // nil while refusing
	reserved int           // while refusing: a bound socket that keeps the port ours
	conns    map[*conn]struct{}
	accepted int
	closed   bool
	wg       sync.WaitGroup
}

// New starts a proxy to target ("host:port") that passes everything. It ends
// with the test.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		t: t, addr: l.Addr().String(), target: target, listener: l,
		switched: make(chan struct{}), conns: map[*conn]struct{}{},
	}
	p.wg.Go(func() { p.serve(l) })
	t.Cleanup(p.close)
	return p
}

// Addr is where clients connect to, "127.0.0.1:port". It never changes.
func (p *Proxy) Addr() string { return p.addr }

// Accepted is the number of connections that clients made so far.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// SetTarget sends new connections elsewhere, such as to a server that came back
// on another port.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set switches new and existing connections to m. After Set(Refuse()) returns,
// every connection has been closed and the next connect fails.
func (p *Proxy) Set(m Mode) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.mode = m
	p.epoch++
	close(p.switched)
	p.switched = make(chan struct{})
	var err error
	switch {
	case m.kind == refuse && p.listener != nil:
		err = p.stopListening()
	case m.kind != refuse && p.listener == nil:
		err = p.listenAgain()
	}
	if err != nil {
		p.t.Errorf("faultnet: %v", err)
	}
}

// stopListening closes the port and keeps it from everybody else, by a socket
// that is bound to it and does not listen.
func (p *Proxy) stopListening() error {
	a := p.listener.Addr().(*net.TCPAddr)
	p.listener.Close()
	p.listener = nil
	for c := range p.conns {
		c.reset()
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	p.reserved = fd
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return syscall.Bind(fd, &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())})
}

func (p *Proxy) listenAgain() error {
	if err := syscall.Listen(p.reserved, 128); err != nil {
		return err
	}
	f := os.NewFile(uintptr(p.reserved), "faultnet")
	defer f.Close() // FileListener has its own copy
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	p.listener = l
	p.wg.Go(func() { p.serve(l) })
	return nil
}

func (p *Proxy) close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	close(p.switched)
	if p.listener != nil {
		p.listener.Close()
	} else {
		syscall.Close(p.reserved)
	}
	for c := range p.conns {
		c.reset()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) serve(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		c := &conn{p: p, client: client.(*net.TCPConn), done: make(chan struct{})}
		p.mu.Lock()
		if p.closed || p.listener != l {
			p.mu.Unlock()
			c.reset()
			continue
		}
		p.accepted++
		p.conns[c] = struct{}{}
		p.wg.Go(c.run)
		p.mu.Unlock()
	}
}

// now is the mode, the number of its switch, and a channel that tells of the next.
func (p *Proxy) now() (Mode, int, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.epoch, p.switched
}

// conn is one client's connection and, once it was needed, the one to the server.
type conn struct {
	p      *Proxy
	client *net.TCPConn
	done   chan struct{} // closed by reset

	mu     sync.Mutex
	server *net.TCPConn
	ended  bool
}

// reset ends both sides at once, with RST, as a crashed host's kernel does.
func (c *conn) reset() { c.end(true) }

// end closes both sides: with rst by a reset, else so that the client still
// reads what was sent to it.
func (c *conn) end(rst bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	close(c.done)
	for _, side := range []*net.TCPConn{c.client, c.server} {
		if side == nil {
			continue
		}
		if rst {
			_ = side.SetLinger(0)
		}
		side.Close()
	}
}

// run moves the client's bytes; it connects to the server when the mode allows.
func (c *conn) run() {
	defer func() {
		c.end(false)
		c.p.mu.Lock()
		delete(c.p.conns, c)
		c.p.mu.Unlock()
	}()
	// A server may speak first, so that in the modes that pass it is there at once.
	if m, _, _ := c.p.now(); m.kind == pass || m.kind == cut {
		if c.dial() == nil {
			return
		}
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := c.client.Read(buf)
		if n > 0 && !c.fromClient(buf[:n]) {
			return
		}
		if err == io.EOF {
			c.halfClose()
			return
		}
		if err != nil {
			return
		}
	}
}

// fromClient hands on what the client sent; false ends the connection.
func (c *conn) fromClient(b []byte) bool {
	m := c.thawed()
	switch m.kind {
	case garbage:
		junk := make([]byte, len(b))
		rand.Read(junk)
		_, err := c.client.Write(junk)
		return err == nil
	case pass, cut:
		server := c.dial()
		if server == nil {
			return false
		}
		_, err := server.Write(b)
		return err == nil
	}
	return false
}

// halfClose tells the server that the client is done, and waits for its last words.
func (c *conn) halfClose() {
	c.thawed()
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	if server == nil || server.CloseWrite() != nil {
		return
	}
	<-c.done
}

// thawed waits while the mode is Freeze and returns the mode then.
func (c *conn) thawed() Mode {
	for {
		m, _, next := c.p.now()
		if m.kind != freeze {
			return m
		}
		select {
		case <-next:
		case <-c.done:
			return Refuse()
		}
	}
}

// dial returns the connection to the server, made if there is none; nil when
// that fails. Only run calls it.
func (c *conn) dial() *net.TCPConn {
	c.mu.Lock()
	server := c.server
	c.mu.Unlock()
	if server != nil {
		return server
	}
	c.p.mu.Lock()
	target := c.p.target
	c.p.mu.Unlock()
	s, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return nil
	}
	server = s.(*net.TCPConn)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		server.Close()
		return nil
	}
	c.server = server
	c.p.wg.Go(func() { c.fromServer(server) })
	return server
}

// fromServer moves the server's bytes to the client.
func (c *conn) fromServer(server *net.TCPConn) {
	buf := make([]byte, 32<<10)
	sent, epoch := 0, -1
	for {
		n, err := server.Read(buf)
		if n == 0 && err != nil {
			break
		}
		m := c.thawed()
		if _, e, _ := c.p.now(); e != epoch {
			sent, epoch = 0, e
		}
		out := buf[:n]
		switch m.kind {
		case refuse:
			c.reset()
			return
		case garbage:
			continue // only random bytes reach the client
		case cut:
			out = out[:min(n, max(0, m.bytes-sent))]
		}
		if m.delay > 0 && !c.wait(m.delay) {
			return
		}
		if _, err := c.client.Write(out); err != nil {
			break
		}
		sent += len(out)
		if m.kind == cut && sent >= m.bytes {
			break
		}
	}
	c.thawed() // a frozen network does not tell of the end either
	c.end(false)
}

func (c *conn) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.done:
		return false
	}
}
