package kmipserver_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// poster posts bodies as one client.
type poster struct {
	t      *testing.T
	url    string
	client *http.Client
}

func newPoster(t *testing.T, s *server) *poster {
	transport := &http.Transport{TLSClientConfig: s.ca.ClientConfig(s.ca.Client("db"))}
	t.Cleanup(transport.CloseIdleConnections)
	return &poster{t, "https://" + s.addr, &http.Client{Transport: transport, Timeout: soon}}
}

func (p *poster) do(method, path, contentType string, body []byte) (status int, answer []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func TestHTTPS(t *testing.T) {
	h := &echo{}
	p := newPoster(t, serveHTTPS(t, kmipserver.Options{Handler: h}))
	request := encode(batch(kmip.V1_4, get("a"), get("absent")))
	for contentType, format := range map[string]kmiptext.Format{"application/octet-stream": nil, "text/xml; charset=utf-8": kmiptext.XML, "application/json": kmiptext.JSON} {
		body := request
		if format != nil {
			var err error
			if body, err = format.Encode(request); err != nil {
				t.Fatal(err)
			}
		}
		status, answer := p.do("POST", "/kmip", contentType, body)
		if format != nil {
			var err error
			if answer, err = format.Decode(answer); err != nil {
				t.Fatal(err)
			}
		}
		m, err := kmip.DecodeResponse(answer, ttlv.Limits{})
		if err != nil || status != http.StatusOK || len(m.Items) != 2 || m.Items[0].Err() != nil || m.Items[1].Reason != kmip.ReasonItemNotFound {
			t.Errorf("%s: %d, %+v, %v", contentType, status, m, err)
		}
	}
	if h.finished.Load() != 3 {
		t.Errorf("%d messages were finished", h.finished.Load())
	}
}

// What is no message is answered, and nothing of it reaches the handler.
func TestHTTPS_Refused(t *testing.T) {
	h := &echo{}
	p := newPoster(t, serveHTTPS(t, kmipserver.Options{Handler: h, MaxRequestSize: 4096}))
	good := encode(batch(kmip.V1_4, get("a")))
	for _, c := range []struct {
		what, method, path, contentType string
		body                            []byte
		status                          int
		answer                          string
	}{
		{"another path", "POST", "/", "text/xml", good, http.StatusNotFound, "/kmip"},
		{"GET", "GET", "/kmip", "text/xml", nil, http.StatusMethodNotAllowed, "POST"},
		{"no type", "POST", "/kmip", "", good, http.StatusUnsupportedMediaType, "application/octet-stream"},
		{"another type", "POST", "/kmip", "text/plain", good, http.StatusUnsupportedMediaType, "text/xml"},
		{"too long", "POST", "/kmip", "application/octet-stream", make([]byte, 4097), http.StatusRequestEntityTooLarge, "larger"},
		{"too long a text", "POST", "/kmip", "text/xml", make([]byte, 6*4096+1), http.StatusRequestEntityTooLarge, "larger"},
		{"garbage in XML", "POST", "/kmip", "text/xml", []byte("<x"), http.StatusOK, "InvalidMessage"},
		{"garbage in JSON", "POST", "/kmip", "application/json", []byte("{"), http.StatusOK, "InvalidMessage"},
		{"an entity", "POST", "/kmip", "text/xml", []byte(`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><RequestMessage>&b;</RequestMessage>`), http.StatusOK, "InvalidMessage"},
		{"a text that is longer in TTLV", "POST", "/kmip", "application/json", []byte(`{"tag":"RequestMessage","value":[` +
			strings.TrimSuffix(strings.Repeat(`{"tag":"BatchItem","value":[]},`, 600), ",") + `]}`), http.StatusOK, "larger"},
		{"no message in TTLV", "POST", "/kmip", "application/octet-stream", []byte("GET / HTTP/1.1"), http.StatusOK, ""},
	} {
		status, answer := p.do(c.method, c.path, c.contentType, c.body)
		if status != c.status || !strings.Contains(string(answer), c.answer) {
			t.Errorf("%s: %d %.300s", c.what, status, answer)
		}
	}
	if h.calls.Load() != 0 {
		t.Errorf("%d operations were carried out", h.calls.Load())
	}
}

func TestHTTPS_NeedsACertificate(t *testing.T) {
	s := serveHTTPS(t, kmipserver.Options{Handler: &echo{}})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.ca.Pool()}}
	defer transport.CloseIdleConnections()
	if resp, err := (&http.Client{Transport: transport, Timeout: soon}).Post("https://"+s.addr+"/kmip", "text/xml", strings.NewReader("")); err == nil {
		resp.Body.Close()
		t.Errorf("a client without a certificate is answered: %s", resp.Status)
	}
}

func TestHTTPS_Limit(t *testing.T) {
	s := serveHTTPS(t, kmipserver.Options{Handler: &echo{}, MaxConnections: 1})
	first := newPoster(t, s)
	first.do("GET", "/", "", nil) // its connection stays
	second := newPoster(t, s)
	if resp, err := second.client.Get(second.url); err == nil {
		resp.Body.Close()
		t.Error("a second connection was taken")
	}
	first.client.CloseIdleConnections()
}

// TestHTTPS_Flood: strangers who connect and say nothing take no place from clients,
// neither from those that are connected nor from those that come.
func TestHTTPS_Flood(t *testing.T) {
	s := serveHTTPS(t, kmipserver.Options{Handler: &echo{}, MaxConnections: 20, MaxHandshakes: 8})
	works := func(p *poster) {
		t.Helper()
		if status, answer := p.do("POST", "/kmip", "application/octet-stream", encode(batch(kmip.V1_2, get("a")))); status != http.StatusOK {
			t.Errorf("%d %s", status, answer)
		}
	}
	before := newPoster(t, s)
	works(before)
	for range 100 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	works(before)
	for range 10 {
		works(newPoster(t, s))
	}
}
