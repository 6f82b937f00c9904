package kmipserver_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// TestStalled_DoesNotRead: a client that asks and never reads holds nothing for
// longer than WriteTimeout.
func TestStalled_DoesNotRead(t *testing.T) {
	s := serve(t, kmipserver.Options{Handler: &echo{}, WriteTimeout: 300 * time.Millisecond})
	c := s.dial(t)
	m := batch(kmip.V1_2)
	for i := range 2000 { // some 800 KB of answers
		m.Items = append(m.Items, kmip.RequestItem{Operation: kmip.OpGet, ID: []byte{byte(i >> 8), byte(i)}, Payload: get("a")})
	}
	frame := encode(m)
	c.SetWriteDeadline(time.Now().Add(soon))
	for range 1000 {
		if _, err := c.Write(frame); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the server waits for a client that does not read")
		} else if err != nil {
			return // it has hung up
		}
	}
	t.Fatal("the system takes any number of answers that nobody reads")
}

// TestPanic_InTheHandshake: what fails outside of any operation ends one
// connection, not the process.
func TestPanic_InTheHandshake(t *testing.T) {
	ca := kmiptest.NewAuthority(t)
	conf := ca.ServerConfig(ca.Server())
	var calls atomic.Int64
	conf.VerifyConnection = func(tls.ConnectionState) error {
		if calls.Add(1) == 1 {
			panic("swordfish")
		}
		return nil
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- kmipserver.New(kmipserver.Options{Handler: &echo{}}).Serve(ctx, ln, conf) }()
	client := ca.ClientConfig(ca.Client("db"))
	client.MaxVersion = tls.VersionTLS12 // where the client sees the end of the handshake
	if c, err := tls.Dial("tcp", ln.Addr().String(), client); err == nil {
		c.Close()
		t.Error("the handshake went well")
	}
	if it := kmiptest.Dial(t, ln.Addr().String(), client).One(kmip.V1_2, get("a")); it.Err() != nil {
		t.Error(it.Err())
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
