// Package wipeconn keeps what TLS has deciphered from staying in memory.
//
// crypto/tls deciphers each record in the buffer that it read it into, and leaves
// it there until something overwrites it: a key that came over an idle connection
// would lie in the heap for as long as the connection lives, and longer where the
// buffer has grown. A [Conn] stands below TLS, where it sees those buffers: it
// hands out one record at a time, so that each begins at the start of the buffer,
// and clears the room it is given before it reads into it.
package wipeconn

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"net"
	"os"
)

// headerSize is that of a record's header (RFC 8446, 5.1): type, version, length.
const headerSize = 5

// aheadSize is how much of what is still enciphered is read at once, so that a record,
// header and body, costs one call of the system: more than a request for a key takes.
const aheadSize = 1 << 10

// Conn is a connection to put below TLS. Only TLS may read from it.
type Conn struct {
	net.Conn

	ahead  *bufio.Reader // of Conn: enciphered bytes only
	header [headerSize]byte
	have   int  // bytes of the header so far
	body   int  // bytes of the record that are still to come
	shut   bool // reads clear their buffer and time out
}

// New returns a connection that wipes what is read from it.
func New(c net.Conn) *Conn { return &Conn{Conn: c, ahead: bufio.NewReaderSize(c, aheadSize)} }

// Read returns at most what is left to the end of a record's header, or of its body.
func (c *Conn) Read(b []byte) (int, error) {
	clear(b)
	switch {
	case c.shut:
		return 0, os.ErrDeadlineExceeded // crypto/tls goes on after a timeout
	case c.body > 0:
		n, err := c.ahead.Read(b[:min(len(b), c.body)])
		c.body -= n
		return n, err
	}
	n, err := c.ahead.Read(b[:min(len(b), headerSize-c.have)])
	c.have += copy(c.header[c.have:], b[:n])
	if c.have == headerSize {
		c.have, c.body = 0, int(binary.BigEndian.Uint16(c.header[3:]))
	}
	return n, err
}

// Wipe clears the buffer of the TLS connection t above c. It is for the moment
// between two messages, when nobody else reads from t, and returns false if the
// peer has sent more than the messages: then t is out of step.
func (c *Conn) Wipe(t *tls.Conn) bool {
	c.shut = true
	defer func() { c.shut = false }()
	var more [1]byte
	n, _ := t.Read(more[:])
	clear(more[:])
	return n == 0 && c.ahead.Buffered() == 0
}
