package kmipserver_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a handler without a store. What it does depends on the identifier
// that it is asked for.
type echo struct {
	calls, finished atomic.Int64

	mu      sync.Mutex
	refused []string // "operation reason"

	block  chan struct{} // "block" waits for it
	inside chan struct{} // and says so here
}

var errInside = errors.New("the password of the database is swordfish")

func (e *echo) Finish(*kmipserver.Call) { e.finished.Add(1) }

func (e *echo) Refused(_ *kmipserver.Call, op kmip.Operation, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, fmt.Sprintf("%d %v", op, kmip.ReasonOf(err)))
	if op == 0x98 {
		panic("swordfish")
	}
}

func (e *echo) Handle(ctx context.Context, c *kmipserver.Call, p kmip.Payload) (kmip.Payload, error) {
	e.calls.Add(1)
	switch p := p.(type) {
	case *kmip.CreateRequest:
		c.Placeholder = "made"
		return &kmip.CreateResponse{ObjectType: p.ObjectType, UniqueIdentifier: "made"}, nil
	case *kmip.ActivateRequest:
		if p.UniqueIdentifier == "" {
			p.UniqueIdentifier = c.Placeholder
		}
		return &kmip.ActivateResponse{UniqueIdentifier: p.UniqueIdentifier}, nil
	case *kmip.DestroyRequest:
		return &kmip.DestroyResponse{UniqueIdentifier: p.UniqueIdentifier}, nil
	case *kmip.GetRequest:
		switch p.UniqueIdentifier {
		case "absent":
			return nil, kmip.Errorf(kmip.ReasonItemNotFound, "there is no such object")
		case "broken":
			return nil, errInside
		case "panic":
			panic("swordfish")
		case "block":
			e.inside <- struct{}{}
			select {
			case <-e.block:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		key := secret.New(256)
		return &kmip.GetResponse{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: p.UniqueIdentifier, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key)}, nil
	}
	return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "not here")
}

// server is a running server of a test.
type server struct {
	addr   string
	ca     *kmiptest.Authority
	cancel context.CancelFunc
	done   chan error
}

func serve(t testing.TB, o kmipserver.Options) *server {
	t.Helper()
	return serveWith(t, o, (*kmipserver.Server).Serve)
}

func serveHTTPS(t testing.TB, o kmipserver.Options) *server {
	t.Helper()
	return serveWith(t, o, (*kmipserver.Server).ServeHTTPS)
}

func serveWith(t testing.TB, o kmipserver.Options, serve func(*kmipserver.Server, context.Context, net.Listener, *tls.Config) error) *server {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{addr: ln.Addr().String(), ca: kmiptest.NewAuthority(t), cancel: cancel, done: make(chan error, 1)}
	conf := s.ca.ServerConfig(s.ca.Server())
	go func() { s.done <- serve(kmipserver.New(o), ctx, ln, conf) }()
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	return s
}

// stop ends the server and returns what Serve returned.
func (s *server) stop() error {
	s.cancel()
	err := <-s.done
	s.done <- err
	return err
}

func (s *server) dial(t testing.TB) *kmiptest.Conn {
	t.Helper()
	return kmiptest.Dial(t, s.addr, s.ca.ClientConfig(s.ca.Client("db")))
}

func batch(v kmip.Version, payloads ...kmip.Payload) *kmip.RequestMessage {
	m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: v}}
	for i, p := range payloads {
		m.Items = append(m.Items, kmip.RequestItem{Operation: p.Operation(), ID: []byte{'Q', 'L', 'K', 'C', byte(i), 0, 1, 2}, Payload: p})
	}
	return m
}

func get(id string) kmip.Payload { return &kmip.GetRequest{UniqueIdentifier: id} }

// soon is the time within which a test expects things that take no time.
const soon = 10 * time.Second
