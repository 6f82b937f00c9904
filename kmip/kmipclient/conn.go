package kmipclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// conn is one TLS connection with a server.
type conn struct {
	*tls.Conn
	raw     net.Conn       // below wiping, which is below TLS
	wiping  *wipeconn.Conn // clears what TLS has deciphered
	server  *server
	address string // which of the server's
	limit   int64
	opened  time.Time
	used    time.Time
	version kmip.Version
	clock   clock
	batch   int // the most operations that the server takes in one request; 0 for any number
}

// session makes a TLS session with one address of a server.
func (c *Client) session(ctx context.Context, s *server, address string) (*conn, *ServerError) {
	if c.sessionTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.sessionTimeout)
		defer cancel()
	}
	raw, err := c.o.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, faultOf(ctx, s, PhaseConnect, err)
	}
	wiping := wipeconn.New(raw)
	t, err := c.o.Handshake(ctx, wiping, s.host)
	if err != nil {
		return nil, faultOf(ctx, s, PhaseHandshake, err)
	}
	now := time.Now()
	return &conn{Conn: t, raw: raw, wiping: wiping, server: s, address: address, limit: c.o.MaxResponse, opened: now, used: now}, nil
}

// handshake is the default of Options.Handshake.
func (c *Client) handshake(ctx context.Context, raw net.Conn, host string) (*tls.Conn, error) {
	conf := c.o.TLS.Clone()
	if conf.ServerName == "" {
		conf.ServerName = serverName(host)
	}
	t := tls.Client(raw, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return t, nil
}

// faultOf makes a *ServerError. Who ran into the deadline says so in many ways;
// one is enough for callers.
func faultOf(ctx context.Context, s *server, p Phase, err error) *ServerError {
	end := ctx.Err()
	if end == nil && errors.Is(err, os.ErrDeadlineExceeded) {
		end = context.DeadlineExceeded // the connection's clock was a little faster
	}
	if end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err)
	}
	return &ServerError{Server: s.addr, Phase: p, Err: err}
}

// serverName is a host without what is no part of a name: the zone of an IPv6
// address, the dot that ends an absolute name.
func serverName(host string) string {
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
	}
	return strings.TrimSuffix(host, ".")
}

// dead says whether the peer has hung up or said something unasked, without
// waiting. It looks below TLS, which would have to read.
func (c *conn) dead() bool {
	sys, ok := c.raw.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sys.SyscallConn()
	if err != nil {
		return true
	}
	dead := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		dead = n > 0 || err == nil || err != syscall.EAGAIN && err != syscall.EINTR
		return true
	})
	return dead || err != nil
}

// roundTrip sends a request and reads its answer. The error is a *ServerError.
func (c *conn) roundTrip(ctx context.Context, m *kmip.RequestMessage) (*kmip.ResponseMessage, *ServerError) {
	fail := func(p Phase, err error) *ServerError { return faultOf(ctx, c.server, p, err) }
	deadline, _ := ctx.Deadline() // the zero time is no deadline
	if err := c.SetDeadline(deadline); err != nil {
		return nil, fail(PhaseSend, err)
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	w := ttlv.NewWriter(make([]byte, 0, 512+256*len(m.Items)))
	m.Encode(w)
	_, err := c.Write(w.Bytes())
	w.Wipe()
	if err != nil {
		// A server that refuses our certificate may be gone before we have written:
		// the alert that says why is then waiting to be read.
		if _, why := c.readFrame(); refusedByAlert(why) {
			return nil, fail(PhaseHandshake, why)
		}
		return nil, fail(PhaseSend, err)
	}
	frame, err := c.readFrame()
	if refusedByAlert(err) {
		return nil, fail(PhaseHandshake, err)
	}
	if err != nil {
		return nil, fail(PhaseReceive, err)
	}
	res, err := kmip.DecodeResponse(frame, ttlv.Limits{Items: 1 << 20})
	secret.Wipe(frame)
	if err != nil {
		return nil, fail(PhaseReceive, err)
	}
	if !c.wiping.Wipe(c.Conn) {
		c.Close() // the peer says more than it was asked: the next answer could be an old one
	}
	c.SetDeadline(time.Time{}) // or an idle connection would look dead
	c.used = time.Now()
	c.clock = clock{server: res.Header.TimeStamp, ours: c.used}
	return res, nil
}

// clock is the time of a server's answer by its clock and by ours.
type clock struct{ server, ours time.Time }

// now is the time by the server's clock; zero if the server does not tell it.
func (c clock) now() time.Time {
	if c.server.IsZero() {
		return c.server
	}
	return c.server.Add(time.Since(c.ours))
}

// refusedByAlert says whether the peer ended the TLS session with an alert. In
// TLS 1.3 that is how it refuses a client's certificate: after the handshake, as
// far as the client can see, and without reading what the client sent.
func refusedByAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// frameStart is the tag and the type of a response message.
var frameStart = [4]byte{byte(kmip.TagResponseMessage >> 16), byte(kmip.TagResponseMessage >> 8 & 0xFF), byte(kmip.TagResponseMessage & 0xFF), byte(ttlv.Structure)}

func (c *conn) readFrame() ([]byte, error) {
	var head [ttlv.HeaderSize]byte
	n, err := io.ReadFull(c, head[:])
	if n > 0 && [4]byte(head[:4]) != frameStart && (n >= 4 || string(head[:n]) != string(frameStart[:n])) {
		return nil, fmt.Errorf("%w: it begins with %q", ErrNotKMIP, head[:n])
	}
	if err != nil {
		return nil, err
	}
	size, err := ttlv.FrameSize(head[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKMIP, err)
	}
	if size > c.limit {
		return nil, fmt.Errorf("%w: %d bytes, and %d are taken", ErrTooLarge, size, c.limit)
	}
	frame := make([]byte, size)
	copy(frame, head[:])
	if _, err := io.ReadFull(c, frame[len(head):]); err != nil {
		secret.Wipe(frame)
		return nil, err
	}
	return frame, nil
}
