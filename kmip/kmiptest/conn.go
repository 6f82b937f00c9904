package kmiptest

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Conn is a client's bare connection: it sends and receives messages, and knows
// no more.
type Conn struct {
	net.Conn
	t testing.TB
}

// exchangeTimeout bounds an exchange of a test.
const exchangeTimeout = 20 * time.Second

// Dial connects to a server; the connection ends with the test.
func Dial(t testing.TB, addr string, conf *tls.Config) *Conn {
	t.Helper()
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: exchangeTimeout}, Config: conf}
	c, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatalf("connect to the server: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return &Conn{Conn: c, t: t}
}

// Do sends a request and returns the response.
func (c *Conn) Do(m *kmip.RequestMessage) *kmip.ResponseMessage {
	c.t.Helper()
	var w ttlv.Writer
	m.Encode(&w)
	frame, err := c.Raw(w.Bytes())
	if err != nil {
		c.t.Fatalf("exchange a message: %v", err)
	}
	response, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil {
		c.t.Fatalf("read the response: %v", err)
	}
	return response
}

// One sends one operation and returns its item.
func (c *Conn) One(v kmip.Version, p kmip.Payload) kmip.ResponseItem {
	c.t.Helper()
	m := c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: v}, Items: []kmip.RequestItem{{Operation: p.Operation(), Payload: p}}})
	if len(m.Items) != 1 {
		c.t.Fatalf("%s: %d items in the response", p.Operation(), len(m.Items))
	}
	return m.Items[0]
}

// Raw sends bytes as they are and returns the frame that comes back.
func (c *Conn) Raw(b []byte) ([]byte, error) {
	c.SetDeadline(time.Now().Add(exchangeTimeout))
	if _, err := c.Write(b); err != nil {
		return nil, err
	}
	return ReadFrame(c)
}
