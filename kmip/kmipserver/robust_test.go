package kmipserver_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// closeWrite tells the server that nothing more comes.
func closeWrite(c *kmiptest.Conn) { c.Conn.(*tls.Conn).CloseWrite() }

func encode(m *kmip.RequestMessage) []byte {
	var w ttlv.Writer
	m.Encode(&w)
	return w.Bytes()
}

// item is one item as bytes that a Writer would not write.
func item(tag ttlv.Tag, typ byte, length uint32, value ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(tag)<<8|uint32(typ))
	b = binary.BigEndian.AppendUint32(b, length)
	return append(b, value...)
}

// request is a Get at 1.2 whose payload is these bytes.
func request(payload []byte) []byte {
	structure := func(tag ttlv.Tag, content ...[]byte) []byte {
		c := bytes.Join(content, nil)
		return item(tag, 1, uint32(len(c)), c...)
	}
	var w ttlv.Writer
	h := w.Begin(kmip.TagRequestHeader)
	v := w.Begin(kmip.TagProtocolVersion)
	w.Integer(kmip.TagProtocolVersionMajor, 1)
	w.Integer(kmip.TagProtocolVersionMinor, 2)
	w.End(v)
	w.Integer(kmip.TagBatchCount, 1)
	w.End(h)
	var op ttlv.Writer
	op.Enumeration(kmip.TagOperation, uint32(kmip.OpGet))
	return structure(kmip.TagRequestMessage, w.Bytes(), structure(kmip.TagBatchItem, op.Bytes(), structure(kmip.TagRequestPayload, payload)))
}

func nested(depth int) []byte {
	b := make([]byte, 0, depth*8)
	for i := range depth {
		b = append(b, item(kmip.TagTemplateAttribute, 1, uint32((depth-1-i)*8))...)
	}
	return b
}

// malformed is the frames that end or hang other servers (and their kin).
func malformed() []struct {
	name   string
	bytes  []byte
	answer bool // else the connection is closed; both are in order
	stays  bool // the connection goes on
} {
	uid := kmip.TagUniqueIdentifier
	zero8 := make([]byte, 8)
	good := encode(batch(kmip.V1_2, get("a")))
	wrongCount := bytes.Clone(good)
	i := bytes.Index(wrongCount, item(kmip.TagBatchCount, 2, 4))
	wrongCount[i+11] = 7
	truncated := bytes.Clone(good)
	binary.BigEndian.PutUint32(truncated[4:], uint32(len(good)-8+64))
	return []struct {
		name   string
		bytes  []byte
		answer bool
		stays  bool
	}{
		{"Integer of length 0", request(item(uid, 2, 0)), true, true},
		{"Integer of length 2", request(item(uid, 2, 2, zero8...)), true, true},
		{"Enumeration of length 0", request(item(uid, 5, 0)), true, true},
		{"Enumeration of length 2", request(item(uid, 5, 2, zero8...)), true, true},
		{"DateTime of length 0", request(item(uid, 9, 0)), true, true},
		{"DateTime of length 2", request(item(uid, 9, 2, zero8...)), true, true},
		{"Boolean of length 4", request(item(uid, 6, 4, zero8...)), true, true},
		{"Boolean of value 2", request(item(uid, 6, 8, 0, 0, 0, 0, 0, 0, 0, 2)), true, true},
		{"BigInteger of length 0", request(item(uid, 4, 0)), true, true},
		{"inner length past the end", request(item(uid, 7, 0xFFFFFF00, zero8...)), true, true},
		{"inner length one item past the end", request(item(uid, 7, 16, zero8...)), true, true},
		{"header claims 2 GiB", item(kmip.TagRequestMessage, 1, 0x7FFFFFF8, zero8...), true, false},
		{"header claims 4 GiB", item(kmip.TagRequestMessage, 1, 0xFFFFFFF8, zero8...), true, false},
		{"header claims 1 MiB and 8", item(kmip.TagRequestMessage, 1, 1<<20, zero8...), true, false},
		{"100,000 nested structures", request(nested(100_000)), true, true},
		{"identifier as Integer", request(item(uid, 2, 4, zero8...)), true, true},
		{"padding that is not zero", request(item(uid, 7, 3, 'a', 'b', 'c', 1, 1, 1, 1, 1)), true, true},
		{"text that is not UTF-8", request(item(uid, 7, 8, 0xFF, 0xFE, 'a', 'b', 'c', 'd', 'e', 'f')), true, true},
		{"version 9.9", encode(batch(kmip.Version{Major: 9, Minor: 9}, get("a"))), true, true},
		{"unknown operation", encode(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_2}, Items: []kmip.RequestItem{{Operation: 0x99, Payload: get("a")}}}), true, true},
		{"unknown type", request(item(uid, 0x7F, 8, zero8...)), true, true},
		{"wrong batch count", wrongCount, true, true},
		{"a response", func() []byte {
			var w ttlv.Writer
			(&kmip.ResponseMessage{Header: kmip.ResponseHeader{Version: kmip.V1_2}}).Encode(&w)
			return w.Bytes()
		}(), true, true},
		{"not a structure", item(kmip.TagRequestMessage, 7, 8, zero8...), true, false},
		{"a length that is no multiple of 8", item(kmip.TagRequestMessage, 1, 13, zero8...), true, false},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), true, false},
		{"no fields", item(kmip.TagRequestMessage, 1, 0), true, true},
		{"less than it claims, then the end", truncated, false, false},
		{"half a header, then the end", good[:5], false, false},
	}
}

func TestMalformed_AnsweredOrClosedAtOnce(t *testing.T) {
	s := serve(t, kmipserver.Options{Handler: &echo{}})
	before := heap()
	for _, test := range malformed() {
		t.Run(test.name, func(t *testing.T) {
			c := s.dial(t)
			c.SetDeadline(time.Now().Add(soon))
			start := time.Now()
			if _, err := c.Write(test.bytes); err != nil {
				t.Fatal(err)
			}
			if !test.answer {
				closeWrite(c)
			}
			frame, err := kmiptest.ReadFrame(c)
			if took := time.Since(start); took > time.Second {
				t.Errorf("it took %v", took)
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("neither answered nor closed")
			}
			if test.answer != (err == nil) {
				t.Fatalf("answered: %v (%v)", err == nil, err)
			}
			if test.answer {
				m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
				if err != nil || len(m.Items) != 1 || m.Items[0].Status != kmip.StatusOperationFailed || m.Items[0].Reason == 0 || m.Items[0].Message == "" {
					t.Errorf("the answer is %+v (%v)", m, err)
				}
			}
			if test.stays {
				if got := c.Do(batch(kmip.V1_2, get("a"))); got.Items[0].Err() != nil {
					t.Errorf("the connection does not go on: %v", got.Items[0].Err())
				}
			} else if n, err := io.Copy(io.Discard, c); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection stays open (%d bytes, %v)", n, err)
			}
		})
	}
	if got := s.dial(t).Do(batch(kmip.V1_2, get("a"))); got.Items[0].Err() != nil {
		t.Errorf("the server is gone: %v", got.Items[0].Err())
	}
	if after := heap(); after > before+(4<<20) {
		t.Errorf("the frames left %d bytes behind", after-before)
	}
}

func TestUnreadable_IsAnsweredInItsVersion(t *testing.T) {
	c := serve(t, kmipserver.Options{Handler: &echo{}}).dial(t)
	frame, err := c.Raw(request(item(kmip.TagUniqueIdentifier, 2, 0)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
	if err != nil || m.Header.Version != kmip.V1_2 || m.Items[0].Operation != 0 || m.Items[0].Reason != kmip.ReasonInvalidMessage {
		t.Errorf("%+v, %v", m, err)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// TestIdle_ThousandConnections: they cost little, and the server goes on.
func TestIdle_ThousandConnections(t *testing.T) {
	const conns = 1000
	s := serve(t, kmipserver.Options{Handler: &echo{}})
	conf := s.ca.ClientConfig(s.ca.Client("db"))
	conf.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	conf.ServerName = "127.0.0.1"
	s.dial(t).Do(batch(kmip.V1_2, get("a")))
	before := heap()
	var mu sync.Mutex
	var open []net.Conn
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range conns / 8 {
				c := kmiptest.Dial(t, s.addr, conf)
				c.Do(batch(kmip.V1_2, get("a"))) // each has been busy before
				mu.Lock()
				open = append(open, c)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	each := (heap() - before) / int64(len(open))
	t.Logf("%d bytes for both ends of an idle connection", each)
	if each > 128<<10 {
		t.Errorf("an idle connection costs %d bytes (both ends)", each)
	}
	if got := s.dial(t).Do(batch(kmip.V1_2, get("a"))); got.Items[0].Err() != nil {
		t.Error(got.Items[0].Err())
	}
}

func TestStalledClients(t *testing.T) {
	const limit = 300 * time.Millisecond
	s := serve(t, kmipserver.Options{Handler: &echo{}, ReadTimeout: limit, HandshakeTimeout: limit, IdleTimeout: 2 * limit})
	good := encode(batch(kmip.V1_2, get("a")))
	waitEnd := func(t *testing.T, c net.Conn) time.Duration {
		start := time.Now()
		c.SetReadDeadline(start.Add(soon))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is still open")
		}
		return time.Since(start)
	}
	t.Run("in the middle of a request", func(t *testing.T) {
		c := s.dial(t)
		c.Write(good[:len(good)/2])
		waitEnd(t, c)
	})
	t.Run("in the header", func(t *testing.T) {
		c := s.dial(t)
		c.Write(good[:3])
		waitEnd(t, c)
	})
	t.Run("before the handshake", func(t *testing.T) {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		waitEnd(t, c)
	})
	t.Run("idle", func(t *testing.T) {
		c := s.dial(t)
		c.Do(batch(kmip.V1_2, get("a")))
		if took := waitEnd(t, c); took < limit {
			t.Errorf("an idle connection was closed after %v", took)
		}
	})
	t.Run("byte by byte", func(t *testing.T) { // slow is in order while it is within the time
		c := s.dial(t)
		for _, b := range good[:16] {
			c.Write([]byte{b})
		}
		if _, err := c.Raw(good[16:]); err != nil {
			t.Error(err)
		}
	})
}

func TestMaxConnections(t *testing.T) {
	s := serve(t, kmipserver.Options{Handler: &echo{}, MaxConnections: 2})
	a, b := s.dial(t), s.dial(t)
	a.Do(batch(kmip.V1_2, get("a")))
	b.Do(batch(kmip.V1_2, get("a")))
	conf := s.ca.ClientConfig(s.ca.Client("db"))
	if c, err := tls.Dial("tcp", s.addr, conf); err == nil {
		c.Close()
		t.Error("a third connection was taken")
	}
	a.Close()
	deadline := time.Now().Add(soon)
	for {
		c, err := tls.Dial("tcp", s.addr, conf)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a closed connection is not given away")
		}
		runtime.Gosched()
	}
}

func TestDrain(t *testing.T) {
	h := &echo{block: make(chan struct{}), inside: make(chan struct{})}
	s := serve(t, kmipserver.Options{Handler: h})
	idle, busy := s.dial(t), s.dial(t)
	idle.Do(batch(kmip.V1_2, get("a")))
	if _, err := busy.Write(encode(batch(kmip.V1_2, get("block")))); err != nil {
		t.Fatal(err)
	}
	<-h.inside
	s.cancel()
	idle.SetReadDeadline(time.Now().Add(soon))
	if _, err := io.Copy(io.Discard, idle); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("an idle connection is not closed")
	}
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("the server still listens")
	}
	select {
	case err := <-s.done:
		t.Fatalf("Serve returned %v with a request in progress", err)
	default:
	}
	close(h.block)
	busy.SetReadDeadline(time.Now().Add(soon))
	frame, err := kmiptest.ReadFrame(busy)
	if err != nil {
		t.Fatalf("the request in progress was not answered: %v", err)
	}
	if m, err := kmip.DecodeResponse(frame, ttlv.Limits{}); err != nil || m.Items[0].Err() != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestDrain_HasAnEnd(t *testing.T) {
	h := &echo{block: make(chan struct{}), inside: make(chan struct{})}
	s := serve(t, kmipserver.Options{Handler: h, DrainTimeout: 50 * time.Millisecond})
	c := s.dial(t)
	c.Write(encode(batch(kmip.V1_2, get("block"))))
	<-h.inside
	start := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > soon {
		t.Errorf("it took %v", took)
	}
}

// TestFlood: strangers who connect and say nothing take no place from clients,
// neither from those that are connected nor from those that come.
func TestFlood(t *testing.T) {
	s := serve(t, kmipserver.Options{Handler: &echo{}, MaxConnections: 20, MaxHandshakes: 8})
	works := func(c *kmiptest.Conn) {
		t.Helper()
		if got := c.Do(batch(kmip.V1_2, get("a"))); got.Items[0].Err() != nil {
			t.Error(got.Items[0].Err())
		}
	}
	before := s.dial(t)
	works(before)
	var strangers []net.Conn
	for range 100 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		strangers = append(strangers, c)
	}
	works(before)
	for range 10 {
		works(s.dial(t))
	}
	// Those that had to go are told so; no more than the limit are left.
	closed := 0
	for _, c := range strangers {
		c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			closed++
		}
	}
	if closed < len(strangers)-8 {
		t.Errorf("%d of %d strangers were shown out", closed, len(strangers))
	}
}
