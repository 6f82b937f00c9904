// Package kmiptest helps to test clients of KMIP servers: a server whose answers
// the test writes, a [Keeper] that has the habits of the servers in the field,
// and certificates.
package kmiptest

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Handler answers a request. Nil closes the connection without an answer. It is
// called by one goroutine per connection.
type Handler func(*kmip.RequestMessage) *kmip.ResponseMessage

// Server is a TLS server on 127.0.0.1 that ends with its test.
type Server struct {
	Addr string // "127.0.0.1:port"

	handler  Handler
	listener net.Listener
	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	accepted int
	wg       sync.WaitGroup
}

// NewServer starts a server.
func NewServer(t testing.TB, conf *tls.Config, h Handler) *Server {
	t.Helper()
	l, err := tls.Listen("tcp4", "127.0.0.1:0", conf)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), handler: h, listener: l, conns: map[net.Conn]struct{}{}}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		l.Close()
		s.HangUp()
		s.wg.Wait()
	})
	return s
}

// Accepted is the number of connections so far.
func (s *Server) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// HangUp closes all connections from the server's side.
func (s *Server) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = struct{}{}
		s.accepted++
		s.mu.Unlock()
		s.wg.Go(func() {
			serve(c, s.handler)
			c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// serve answers requests until the connection ends.
func serve(c net.Conn, handler Handler) {
	for {
		c.SetDeadline(time.Now().Add(time.Minute))
		frame, err := ReadFrame(c)
		if err != nil {
			return
		}
		req, err := kmip.DecodeRequest(frame, ttlv.Limits{})
		var res *kmip.ResponseMessage
		if err != nil {
			res = Refuse(req, kmip.ReasonInvalidMessage, err.Error())
		} else {
			res = handler(req)
		}
		if res == nil {
			return
		}
		var w ttlv.Writer
		res.Encode(&w)
		if _, err := c.Write(w.Bytes()); err != nil {
			return
		}
	}
}

// ReadFrame reads one message.
func ReadFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, ttlv.HeaderSize)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n, err := ttlv.FrameSize(head)
	if err != nil {
		return nil, err
	}
	frame := append(head, make([]byte, n-ttlv.HeaderSize)...)
	_, err = io.ReadFull(r, frame[ttlv.HeaderSize:])
	return frame, err
}

// Answer makes a response of the request's version around items.
func Answer(req *kmip.RequestMessage, items ...kmip.ResponseItem) *kmip.ResponseMessage {
	return &kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: req.Header.Version, TimeStamp: time.Now()}, Items: items}
}

// Refuse makes the answer to a message that is refused as a whole.
func Refuse(req *kmip.RequestMessage, reason kmip.ResultReason, message string) *kmip.ResponseMessage {
	return Answer(req, kmip.ResponseItem{Status: kmip.StatusOperationFailed, Reason: reason, Message: message})
}

// Open is the number of connections that are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}
