package kmipclient_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

func TestPhases(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	silent := faultnet.New(t, w.server.Addr)
	silent.Set(faultnet.Freeze())
	overTLS := func(say string) string {
		return faultnet.Serve(t, func(c net.Conn) {
			s := tls.Server(c, w.ca.ServerConfig(w.ca.Server()))
			if s.Handshake() == nil {
				var b [16]byte
				s.Read(b[:])
				io.WriteString(s, say)
				s.Close()
			}
		})
	}
	otherCA := kmiptest.NewAuthority(t)
	wrongName := kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server("kms.example")), w.keeper.Handle)
	stranger := kmiptest.NewServer(t, w.ca.ServerConfig(otherCA.Server()), w.keeper.Handle)
	refuses := kmiptest.NewServer(t, otherCA.ServerConfig(w.ca.Server()), w.keeper.Handle)
	closed := faultnet.Serve(t, func(net.Conn) {})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for name, c := range map[string]struct {
		server string
		phase  kmipclient.Phase
		is     error
		says   string
	}{
		"no such host":         {"no-such-host.invalid:5696", kmipclient.PhaseResolve, nil, "no-such-host.invalid"},
		"port closed":          {nobody, kmipclient.PhaseConnect, syscall.ECONNREFUSED, ""},
		"nobody speaks":        {silent.Addr(), kmipclient.PhaseHandshake, context.DeadlineExceeded, ""},
		"no TLS":               {faultnet.Serve(t, func(c net.Conn) { io.WriteString(c, "220 mail.example ESMTP\r\n"); bufio.NewReader(c).ReadByte() }), kmipclient.PhaseHandshake, nil, "does not look like a TLS handshake"},
		"hangs up at once":     {closed, kmipclient.PhaseHandshake, nil, ""},
		"wrong name":           {wrongName.Addr, kmipclient.PhaseHandshake, nil, "127.0.0.1"},
		"unknown authority":    {stranger.Addr, kmipclient.PhaseHandshake, nil, "unknown authority"},
		"our certificate":      {refuses.Addr, kmipclient.PhaseHandshake, nil, "remote error"},
		"TLS but not KMIP":     {overTLS("HTTP/1.1 400 Bad Request\r\n\r\n"), kmipclient.PhaseReceive, kmipclient.ErrNotKMIP, ""},
		"TLS, and few bytes":   {overTLS("no"), kmipclient.PhaseReceive, kmipclient.ErrNotKMIP, ""},
		"TLS, and hangs up":    {overTLS(""), kmipclient.PhaseReceive, io.EOF, ""},
		"an answer too long":   {overTLS("\x42\x00\x7B\x01\x7F\xFF\xFF\xF8"), kmipclient.PhaseReceive, kmipclient.ErrTooLarge, ""},
		"half an answer":       {overTLS("\x42\x00\x7B\x01\x00\x00\x00\x10half"), kmipclient.PhaseReceive, io.ErrUnexpectedEOF, ""},
		"an answer of rubbish": {overTLS("\x42\x00\x7B\x01\x00\x00\x00\x08rubbish!"), kmipclient.PhaseReceive, nil, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := w.client(t, kmipclient.Options{Timeout: 500 * time.Millisecond}, c.server)
			started := time.Now()
			e := fault(t, second(cl.Register(ctx(t), registerRequest("k"))))
			if took := time.Since(started); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
			s := e.Servers[0]
			if s.Phase != c.phase || s.Server != c.server || e.Sent {
				t.Errorf("phase %q, sent %t: %v", s.Phase, e.Sent, e)
			}
			if c.is != nil && !errors.Is(e, c.is) || !strings.Contains(e.Error(), c.says) {
				t.Errorf("%v", e)
			}
			if c.is == context.DeadlineExceeded && !s.Timeout() {
				t.Error("not told as a timeout")
			}
		})
	}
}

// What an answer has to fit.
func TestAnswersThatDoNotFit(t *testing.T) {
	answers := map[string]func(*kmip.RequestMessage, *kmip.ResponseMessage){
		"two items": func(_ *kmip.RequestMessage, m *kmip.ResponseMessage) { m.Items = append(m.Items, m.Items[0]) },
		"no item":   func(_ *kmip.RequestMessage, m *kmip.ResponseMessage) { m.Items = nil },
		"another operation": func(_ *kmip.RequestMessage, m *kmip.ResponseMessage) {
			m.Items[0].Operation = kmip.OpDestroy
			m.Items[0].Payload = &kmip.DestroyResponse{}
		},
		"no payload":      func(_ *kmip.RequestMessage, m *kmip.ResponseMessage) { m.Items[0].Payload = nil },
		"another version": func(_ *kmip.RequestMessage, m *kmip.ResponseMessage) { m.Header.Version = kmip.Version{Major: 2} },
	}
	for name, spoil := range answers {
		t.Run(name, func(t *testing.T) {
			ca, k := kmiptest.NewAuthority(t), &kmiptest.Keeper{}
			server := kmiptest.NewServer(t, ca.ServerConfig(ca.Server()), func(m *kmip.RequestMessage) *kmip.ResponseMessage {
				res := k.Handle(m)
				if m.Items[0].Operation == kmip.OpRegister || m.Items[0].Operation == kmip.OpLocate {
					spoil(m, res)
				}
				return res
			})
			w := &world{ca: ca, keeper: k, server: server, conf: ca.ClientConfig(ca.Client("c"))}
			c := w.client(t, kmipclient.Options{})
			if e := fault(t, second(c.Locate(ctx(t), &kmip.LocateRequest{}))); !errors.Is(e, kmipclient.ErrMismatch) || e.Sent {
				t.Errorf("Locate: %v", e)
			}
			if e := fault(t, second(c.Register(ctx(t), registerRequest("k")))); !errors.Is(e, kmipclient.ErrMismatch) || !e.Sent {
				t.Errorf("Register: %v", e)
			}
		})
	}
}

func TestBatch_IDsThatDoNotFit(t *testing.T) {
	for name, id := range map[string][]byte{"none": nil, "another": {9, 9, 9, 9}, "short": {0}, "twice": {0, 0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			ca, k := kmiptest.NewAuthority(t), &kmiptest.Keeper{}
			server := kmiptest.NewServer(t, ca.ServerConfig(ca.Server()), func(m *kmip.RequestMessage) *kmip.ResponseMessage {
				res := k.Handle(m)
				if len(res.Items) == 2 {
					res.Items[1].ID = id
				}
				return res
			})
			w := &world{ca: ca, keeper: k, server: server, conf: ca.ClientConfig(ca.Client("c"))}
			q := &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}
			if _, err := w.client(t, kmipclient.Options{}).Batch(ctx(t), []kmip.Payload{q, q}); !errors.Is(err, kmipclient.ErrMismatch) {
				t.Errorf("%v", err)
			}
		})
	}
}

// brokenPipe fails to write once the handshake is over, as a connection does
// that the peer has closed meanwhile.
type brokenPipe struct {
	net.Conn
	broken atomic.Bool
}

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, syscall.EPIPE
	}
	return b.Conn.Write(p)
}

// In TLS 1.3 a server refuses a client's certificate after the handshake, so that
// the first request may find the connection closed.
func TestRefusedCertificate_IsToldThoughTheRequestCouldNotBeSent(t *testing.T) {
	w := newWorld(t, &kmiptest.Keeper{})
	refuses := kmiptest.NewServer(t, kmiptest.NewAuthority(t).ServerConfig(w.ca.Server()), w.keeper.Handle)
	c := w.client(t, kmipclient.Options{Handshake: func(ctx context.Context, conn net.Conn, host string) (*tls.Conn, error) {
		pipe := &brokenPipe{Conn: conn}
		own := w.conf.Clone()
		own.ServerName = host
		c := tls.Client(pipe, own)
		err := c.HandshakeContext(ctx)
		pipe.broken.Store(true)
		return c, err
	}}, refuses.Addr)
	_, err := c.Query(ctx(t), kmip.QueryOperations)
	var fault *kmipclient.Error
	if !errors.As(err, &fault) || fault.Servers[0].Phase != kmipclient.PhaseHandshake || !strings.Contains(err.Error(), "remote error") {
		t.Errorf("the refusal is told as: %v", err)
	}
}
