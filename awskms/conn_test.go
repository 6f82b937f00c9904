package awskms

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// What comes when nobody has asked is no answer, and net/http does not write it to the log.
func TestConn_Unasked(t *testing.T) {
	var logged bytes.Buffer
	log.SetOutput(&logged)
	defer log.SetOutput(io.Discard)
	speak := make(chan struct{})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	gone := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		http.ReadRequest(bufio.NewReader(c))
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		<-speak
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
		_, err = c.Read(make([]byte, 1))
		gone <- err
	}()
	proxy, err := proxyOf("")
	if err != nil {
		t.Fatal(err)
	}
	d := &dialer{proxy: proxy, timeout: time.Second, life: t.Context()}
	tr := &transport{next: newTransport(d), requests: map[string]int64{}}
	x := newExchange()
	r := httptest.NewRequestWithContext(with(t.Context(), x), "POST", "http://"+l.Addr().String(), nil)
	res, err := tr.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	x.conn.mu.Lock()
	if !x.conn.idle {
		t.Error("the connection is not idle")
	}
	x.conn.mu.Unlock()
	close(speak)
	if err := <-gone; err == nil {
		t.Error("the connection goes on")
	}
	if logged.Len() > 0 {
		t.Errorf("%s", logged.String())
	}
}

// Who has closed a connection leaves nothing in its buffer.
func TestConn_Closed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "a secret that is short")
	}))
	defer s.Close()
	proxy, _ := proxyOf("")
	tr := &transport{next: newTransport(&dialer{proxy: proxy, timeout: time.Second, life: t.Context()}), requests: map[string]int64{}}
	x := newExchange()
	res, err := tr.Do(httptest.NewRequestWithContext(with(t.Context(), x), "POST", s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	x.conn.mu.Lock()
	defer x.conn.mu.Unlock()
	if !x.conn.closed || len(bytes.Trim(x.conn.given, "\x00")) > 0 {
		t.Errorf("closed %v, with %q in its buffer", x.conn.closed, x.conn.given)
	}
}
