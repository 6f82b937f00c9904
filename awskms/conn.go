package awskms

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/secret"
	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// recordSize is how much is given to TLS at once. It encrypts in a buffer that it makes
// with append: a record of so many bytes, with header and tag, fits what append
// makes, so that TLS does not take a second buffer and leave the first as it is.
const recordSize = 1000

// conn is a connection under net/http, which keeps two buffers on it and clears
// neither. So conn clears a buffer that it has written, and one that it is given to
// read into. While a connection is idle, net/http waits in Read with its whole buffer.
type conn struct {
	net.Conn                // TLS, or plain
	wiping   *wipeconn.Conn // below TLS
	record   int            // write at most so much at once; 0 is any

	mu      sync.Mutex
	given   []byte // the buffer of the last Read
	reading bool
	closed  bool
	owner   *exchange     // the last that was given the connection
	idle    bool          // and it is over: what comes is no answer
	waiting chan struct{} // closed at the next Read or Close

	writing sync.Mutex
}

// Read clears the buffer first.
func (c *conn) Read(b []byte) (int, error) {
	secret.Wipe(b)
	c.mu.Lock()
	c.given, c.reading = b, true
	c.wake()
	c.mu.Unlock()
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = false
	if n > 0 && (c.idle || c.closed) {
		secret.Wipe(b[:n])
		return 0, io.EOF // net/http would write what came unasked to the log
	}
	return n, err
}

// Write clears the buffer afterwards, though a Writer should not: it is net/http's own.
func (c *conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	defer secret.Wipe(b)
	if c.record == 0 {
		return c.Conn.Write(b)
	}
	done := 0
	for done < len(b) {
		n, err := c.Conn.Write(b[done:min(done+c.record, len(b))])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Close closes the connection.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.wake()
	return err
}

func (c *conn) wake() {
	if c.waiting != nil {
		close(c.waiting)
		c.waiting = nil
	}
}

// settleTime is far more than net/http takes to put a connection aside.
const settleTime = 100 * time.Millisecond

// take is for who is given the connection.
func (c *conn) take(x *exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner, c.idle = x, false
}

// settle returns when no buffer has anything of the exchange that has just ended:
// net/http has taken the connection back and waits in Read, or has closed it.
func (c *conn) settle(x *exchange) {
	c.mu.Lock()
	if !c.reading && !c.closed {
		c.waiting = make(chan struct{})
		waiting := c.waiting
		c.mu.Unlock()
		t := time.NewTimer(settleTime)
		select {
		case <-waiting:
		case <-t.C:
		}
		t.Stop()
		c.mu.Lock()
	}
	switch {
	case c.closed:
		secret.Wipe(c.given)
		if t, ok := c.Conn.(*tls.Conn); ok {
			c.wiping.Wipe(t)
		}
	case c.reading:
		c.idle = c.owner == x // and not already the next one's
	}
	c.mu.Unlock()
	c.writing.Lock() // a Write that the answer overtook is over, too
	c.writing.Unlock()
	secret.Wipe(nil) // the registers
}
