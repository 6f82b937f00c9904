package kmipserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"sync"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
	"github.com/dbkeyring/dbkeyring/secret"
	"github.com/dbkeyring/dbkeyring/secret/wipeconn"
)

// HTTPSPath is where messages are sent (KMIP Profiles 1.4, 5.4 "HTTPS Client and Server").
const HTTPSPath = "/kmip"

// formats are the encodings of a message by content type; TTLV has nil.
var formats = map[string]kmiptext.Format{
	"application/octet-stream": nil,
	"text/xml":                 kmiptext.XML,
	"application/json":         kmiptext.JSON,
}

// textFactor is how many times longer than in TTLV a message in XML or JSON may be: of a
// byte string a byte takes two characters, and a small item some 90 for its 16 bytes.
const textFactor = 6

// ServeHTTPS is Serve for messages over HTTPS: each is the body of a POST to [HTTPSPath], in
// TTLV, XML or JSON as the Content-Type says, and is answered in the same. What a client may
// ask for, and how it is known, is as on the other port. Maximum Response Size counts
// bytes of TTLV.
func (s *Server) ServeHTTPS(ctx context.Context, ln net.Listener, conf *tls.Config) error {
	conf = conf.Clone()
	conf.NextProtos = []string{"http/1.1"}
	limited := &limitedListener{Listener: ln, s: s}
	h := &http.Server{
		ConnState:         limited.state,
		Handler:           s.HTTPHandler(),
		ReadHeaderTimeout: s.o.ReadTimeout, ReadTimeout: s.o.ReadTimeout, WriteTimeout: s.o.WriteTimeout, IdleTimeout: s.o.IdleTimeout,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelInfo),
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, nc.(*tls.Conn).NetConn())
		},
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	done := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.DrainTimeout)
		defer cancel()
		err := h.Shutdown(drain)
		if err != nil {
			s.log.Warn("requests over HTTPS did not end in time; their connections are closed", "timeout", s.o.DrainTimeout)
			err = h.Close()
		}
		done <- err
	})
	err := h.Serve(tls.NewListener(limited, conf))
	if !stop() && errors.Is(err, http.ErrServerClosed) {
		return <-done
	}
	return fmt.Errorf("accept a connection over HTTPS: %w", err)
}

// limitedListener bounds the connections and wipes what TLS deciphers. As on the other port, who
// has not shown a certificate makes room for who comes.
type limitedListener struct {
	net.Listener
	s     *Server
	conns connSet
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &limitedConn{Conn: wipeconn.New(nc), l: l, place: &conn{s: l.s, nc: nc}}
		out := l.conns.add(c.place, l.s.o.MaxConnections, l.s.o.MaxHandshakes)
		if out != nil {
			out.nc.Close()
			l.s.o.Stats.Refused.Add(1)
		}
		if out != c.place {
			l.s.o.Stats.Accepted.Add(1)
			l.s.o.Stats.Open.Add(1)
			c.counted = sync.OnceFunc(func() { l.s.o.Stats.Open.Add(-1) })
			return c, nil
		}
	}
}

// state is told how far a connection is: a request comes after the handshake.
func (l *limitedListener) state(nc net.Conn, state http.ConnState) {
	if t, ok := nc.(*tls.Conn); ok && state == http.StateActive {
		l.conns.known(t.NetConn().(*limitedConn).place)
	}
}

type limitedConn struct {
	net.Conn
	l       *limitedListener
	place   *conn
	counted func() // takes it out of the count

	admission sync.Once
	mu        sync.Mutex // guards leave, of a connection that is closed meanwhile
	closed    bool
	leave     func()
	refused   error
}

// connKey is where the context of a request has its *limitedConn.
type connKey struct{}

// admit asks once whether the client may have the connection.
func (c *limitedConn) admit(p Peer) error {
	c.admission.Do(func() {
		leave, err := c.l.s.admit(p)
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.leave, c.refused = leave, err; c.closed && err == nil {
			leave()
		}
	})
	return c.refused
}

func (c *limitedConn) Close() error {
	c.l.conns.remove(c.place)
	c.counted()
	c.mu.Lock()
	if !c.closed && c.leave != nil {
		c.leave()
	}
	c.closed = true
	c.mu.Unlock()
	return c.Conn.Close()
}

// HTTPHandler answers messages over HTTPS; see ServeHTTPS. The connections have to be those of
// TLS with verified client certificates.
func (s *Server) HTTPHandler() http.Handler { return http.HandlerFunc(s.serveHTTP) }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	c := &conn{s: s, peer: Peer{Address: r.RemoteAddr}, skewTold: true}
	defer s.survive(c.peer.Address)
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		http.Error(w, "a client certificate is needed", http.StatusForbidden)
		return
	}
	c.peer.Certificate = r.TLS.PeerCertificates[0]
	if nc, ok := r.Context().Value(connKey{}).(*limitedConn); ok && nc.admit(c.peer) != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, "this client has too many connections", http.StatusServiceUnavailable)
		return
	}
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	format, known := formats[contentType]
	switch {
	case r.URL.Path != HTTPSPath:
		http.Error(w, "KMIP messages go to "+HTTPSPath, http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "KMIP messages are POSTed", http.StatusMethodNotAllowed)
		return
	case err != nil || !known:
		http.Error(w, "the Content-Type has to be application/octet-stream (TTLV), text/xml or application/json", http.StatusUnsupportedMediaType)
		return
	}
	limit := int64(s.o.MaxRequestSize)
	if format != nil {
		limit *= textFactor
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	defer func() { secret.Wipe(body) }()
	if err != nil {
		if too := (*http.MaxBytesError)(nil); errors.As(err, &too) {
			http.Error(w, "the request is larger than this server takes", http.StatusRequestEntityTooLarge)
		}
		return // else the client has gone away
	}
	response := s.answerText(r.Context(), c, format, body)
	defer buffers.put(response)
	out := response.bytes
	if format != nil {
		if out, err = format.Encode(response.bytes); err != nil {
			s.log.Error("an answer cannot be encoded", "from", c.peer.Address, "error", err)
			http.Error(w, "the answer cannot be encoded; the key server's log says more", http.StatusInternalServerError)
			return
		}
		defer secret.Wipe(out)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out) // who asked may have gone away
}

// answerText carries out the request in body; a nil format is TTLV.
func (s *Server) answerText(ctx context.Context, c *conn, format kmiptext.Format, body []byte) *buffer {
	frame := body
	if format != nil {
		var err error
		if frame, err = format.Decode(body); err != nil {
			return s.unreadable(c, kmip.V1_4, kmip.Errorf(kmip.ReasonInvalidMessage, "%v", err))
		}
		defer secret.Wipe(frame)
	}
	if len(frame) > s.o.MaxRequestSize {
		return s.unreadable(c, kmip.V1_4, errTooLarge)
	}
	return s.respond(ctx, c, frame)
}
