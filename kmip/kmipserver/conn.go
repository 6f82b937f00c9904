package kmipserver

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// conn is one connection, served by one goroutine.
type conn struct {
	s    *Server
	nc   net.Conn
	tls  *tls.Conn
	peer Peer

	mu       sync.Mutex
	draining bool

	skewTold bool // a client's wrong clock is worth one line in the log
}

// drain wakes the connection if it waits for a client, and lets it end.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.nc.SetReadDeadline(time.Unix(1, 0))
}

// readBy sets the deadline of reads. It returns false when the server drains.
func (c *conn) readBy(t time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.draining {
		c.nc.SetReadDeadline(t)
	}
	return !c.draining
}

func (c *conn) serve(ctx context.Context) {
	handshake, cancel := context.WithTimeout(ctx, c.s.o.HandshakeTimeout)
	err := c.tls.HandshakeContext(handshake)
	cancel()
	if err != nil {
		c.s.o.Stats.HandshakesFailed.Add(1)
		c.s.log.Info("TLS handshake failed", "from", c.peer.Address, "error", err)
		return
	}
	defer c.tls.Close()
	if !c.s.conns.known(c) {
		return
	}
	if certs := c.tls.ConnectionState().PeerCertificates; len(certs) > 0 {
		c.peer.Certificate = certs[0]
	}
	leave, err := c.s.admit(c.peer)
	if err != nil {
		return
	}
	defer leave()
	for c.exchange(ctx) {
	}
}

// exchange reads one request and answers it. It returns false when the
// connection is at its end.
func (c *conn) exchange(ctx context.Context) bool {
	var header [ttlv.HeaderSize]byte
	if !c.readBy(time.Now().Add(c.s.o.IdleTimeout)) {
		return false
	}
	n, err := c.tls.Read(header[:]) // no buffer is held while a client is idle
	if err != nil {
		c.tellEnd(err, "wait for a request")
		return false
	}
	if !c.readBy(time.Now().Add(c.s.o.ReadTimeout)) {
		return false
	}
	if _, err := io.ReadFull(c.tls, header[n:]); err != nil {
		c.tellEnd(err, "read a request's header")
		return false
	}
	buf := buffers.get()
	defer buffers.put(buf)
	frame, err := c.readFrame(header[:], buf)
	var response *buffer
	keep := true
	switch {
	case errors.Is(err, ttlv.ErrFrame), errors.Is(err, errTooLarge):
		// Where the next request begins is not known.
		response, keep = c.s.unreadable(c, kmip.V1_0, err), false
	case err != nil:
		c.tellEnd(err, "read a request")
		return false
	default:
		response = c.s.respond(ctx, c, frame)
	}
	defer buffers.put(response)
	return c.write(response) && keep
}

// errTooLarge says that a request is larger than the server takes.
var errTooLarge = errors.New("the request is larger than this server takes")

// readFrame reads what follows a request's header into buf, which grows with
// what has really come: a header that lies costs nothing.
func (c *conn) readFrame(header []byte, buf *buffer) ([]byte, error) {
	size, err := ttlv.FrameSize(header)
	if err != nil {
		return nil, err
	}
	if size > int64(c.s.o.MaxRequestSize) {
		return nil, errTooLarge
	}
	b := append(buf.bytes[:0], header...)
	for len(b) < int(size) {
		if len(b) == cap(b) {
			larger := make([]byte, len(b), min(int(size), 2*cap(b)))
			copy(larger, b)
			secret.Wipe(b)
			b = larger
		}
		n, err := c.tls.Read(b[len(b):min(int(size), cap(b))])
		b = b[:len(b)+n]
		buf.bytes = b
		if err != nil && len(b) < int(size) {
			return nil, err
		}
	}
	buf.bytes = b
	return b, nil
}

func (c *conn) write(response *buffer) bool {
	c.nc.SetWriteDeadline(time.Now().Add(c.s.o.WriteTimeout))
	if _, err := c.tls.Write(response.bytes); err != nil {
		c.tellEnd(err, "send a response")
		return false
	}
	return true
}

// tellEnd logs why a connection ends, unless it is the usual way.
func (c *conn) tellEnd(err error, doing string) {
	c.mu.Lock()
	draining := c.draining
	c.mu.Unlock()
	if draining || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && doing == "wait for a request" {
		c.s.log.Debug("an idle connection was closed", "from", c.peer.Address)
		return
	}
	c.s.log.Info("a connection ended", "from", c.peer.Address, "doing", doing, "error", err)
}
