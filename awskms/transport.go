package awskms

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// bufferSize holds a request as a whole, headers and body: net/http copies what does not
// fit through buffers that nobody clears. Those of an Encrypt of 4096 bytes with a
// session token and a long encryption context are some 20 KiB.
const bufferSize = 32 << 10

// exchange is one request, for those who take part in it: it goes with its context.
type exchange struct {
	mu   sync.Mutex
	host string // who is asked
	conn *conn  // over which connection; nil as long as there is none
	body *body  // of Encrypt
	got  *plaintext
}

type exchangeKey struct{}

func with(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf is nil for requests that are not to AWS KMS.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// where says who was asked, and whether a connection came about.
func (x *exchange) where() (host string, connected bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.host, x.conn != nil
}

// transport sends requests to AWS KMS. It is the HTTPClient of all regions.
type transport struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests map[string]int64
}

func newTransport(d *dialer) *http.Transport {
	return &http.Transport{
		DialContext:         d.dialPlain,
		DialTLSContext:      d.dialTLS,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
		// The buffers of HTTP/2 are shared, and cannot be cleared.
		ForceAttemptHTTP2:      false,
		WriteBufferSize:        bufferSize,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Do sends one request.
func (t *transport) Do(r *http.Request) (*http.Response, error) {
	op := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	t.mu.Lock()
	t.requests[op]++
	t.mu.Unlock()
	x := exchangeOf(r.Context())
	if x == nil {
		return nil, errors.New("a request that nobody made")
	}
	x.mu.Lock()
	x.host = r.URL.Host
	x.mu.Unlock()
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.conn, _ = i.Conn.(*conn); x.conn != nil {
			x.conn.take(x)
		}
	}}
	res, err := t.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	res.Body = &settling{res.Body, x}
	return res, nil
}

// settling is the body of an answer. When it is closed, it is in no buffer any more.
type settling struct {
	io.ReadCloser
	x *exchange
}

// pieceSize is less than bufio's buffer: longer reads would go past it, to the
// connection, which then would not know whose buffer it is given.
const pieceSize = 2048

func (s *settling) Read(b []byte) (int, error) {
	return s.ReadCloser.Read(b[:min(len(b), pieceSize)])
}

func (s *settling) Close() error {
	err := s.ReadCloser.Close()
	s.x.mu.Lock()
	c := s.x.conn
	s.x.mu.Unlock()
	if c != nil {
		c.settle(s.x)
	}
	return err
}
