package awskms_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// silent takes connections and says nothing.
func silent(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var held []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			c.Close()
		}
	})
	return l.Addr().String()
}

func closedPort(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A network that fails is ErrUnreachable, within the time that was allowed, and says who and why.
func TestNetworkFaults(t *testing.T) {
	// What is silent is given up after short; whatever else there is has long, and does not need it.
	const short, long = 300 * time.Millisecond, 30 * time.Second
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	defer tls.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	quiet, shut := silent(t), closedPort(t)
	bare := func(u string) string { _, host, _ := strings.Cut(u, "://"); return host }
	for name, tc := range map[string]struct {
		endpoint, text string
		min            time.Duration
	}{
		"closed port":      {"http://" + shut, shut + ": connection refused", 0},
		"closed port, TLS": {"https://" + shut, shut + ": connection refused", 0},
		"silent":           {"http://" + quiet, quiet + ": no answer within ", short / 2},
		"silent, TLS":      {"https://" + quiet, quiet + ": no connection within ", short / 2},
		"unknown CA":       {tls.URL, bare(tls.URL) + ": its certificate is not trusted: signed by an unknown authority", 0},
		"no TLS":           {"https://" + bare(plain.URL), bare(plain.URL) + ": tls: first record does not look like a TLS handshake", 0},
		"no such host":     {"http://kms.invalid", "kms.invalid: the host's name cannot be found: ", 0},
		"no KMS":           {plain.URL, bare(plain.URL) + ": HTTP status 404 Not Found", 0},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := long
			if tc.min > 0 {
				timeout = short
			}
			_, c, _ := newClient(t, func(o *awskms.Options) { o.Endpoint, o.Timeout = tc.endpoint, timeout })
			began := time.Now()
			_, err := c.Describe(t.Context(), "alias/x")
			took := time.Since(began)
			if want := "AWS KMS DescribeKey alias/x: " + tc.text; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want\n%s", err, want)
			}
			if kind := keyring.ErrUnreachable; name != "no KMS" && !errors.Is(err, kind) || name == "no KMS" && !errors.Is(err, keyring.ErrDenied) {
				t.Errorf("%v has another kind", err)
			}
			if took > long || took < tc.min {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// What fails once is asked again, within the time that there is.
func TestRetries(t *testing.T) {
	for name, f := range map[string]kmstest.Fault{
		"5xx":      {Code: "KMSInternalException"},
		"throttle": {Code: "ThrottlingException"},
		"hang":     {Hang: true},
		"cut":      {Cut: true},
		"proxy":    {Status: 502, Body: "bad gateway"},
		"skew":     {Code: "RequestExpired"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c, key := newClient(t, func(o *awskms.Options) { o.Timeout = 2 * time.Second })
			s.SetBefore(func(_ string, n int) *kmstest.Fault {
				if n == 0 {
					return &f
				}
				return nil
			})
			plain := secret.Random(500)
			b, err := c.Encrypt(t.Context(), key, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Decrypt(t.Context(), b, nil)
			if err != nil || !got.Equal(plain) {
				t.Fatal(err)
			}
			if n := c.Requests(); n["Encrypt"] != 2 || n["Decrypt"] != 2 {
				t.Errorf("%v", n)
			}
		})
	}
}

// A caller who gives up is not kept, whatever goes on.
func TestCancel(t *testing.T) {
	for name, f := range map[string]kmstest.Fault{"hang": {Hang: true}, "throttled": {Code: "ThrottlingException"}} {
		t.Run(name, func(t *testing.T) {
			s, c, key := newClient(t, nil)
			s.SetBefore(func(string, int) *kmstest.Fault { return &f })
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			began := time.Now()
			_, err := c.Generate(ctx, key, 16, nil)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, keyring.ErrUnreachable) || err.Error() != "AWS KMS GenerateDataKey "+key+": the call was cancelled" {
				t.Error(err)
			}
			if took := time.Since(began); took > 500*time.Millisecond {
				t.Errorf("it took %s", took)
			}
			ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			began = time.Now()
			_, err = c.Generate(ctx, key, 16, nil)
			if !errors.Is(err, keyring.ErrUnreachable) || f.Hang && !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if took := time.Since(began); took > 300*time.Millisecond {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// Close ends what is going on, and calls after it fail.
func TestClose(t *testing.T) {
	s, c, key := newClient(t, nil)
	s.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Hang: true} })
	time.AfterFunc(50*time.Millisecond, func() { c.Close() })
	for range 2 {
		began := time.Now()
		if _, err := c.Describe(t.Context(), key); !errors.Is(err, keyring.ErrUnreachable) || !strings.HasSuffix(err.Error(), ": the client was closed") {
			t.Error(err)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	}
}

// Connections are kept, and many goroutines share them.
func TestParallel(t *testing.T) {
	clean(t)
	s := kmstest.New(t)
	var mu sync.Mutex
	opened := 0
	front := httptest.NewUnstartedServer(s)
	front.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			defer mu.Unlock()
			opened++
		}
	}
	front.Start()
	defer front.Close()
	o := s.Options()
	o.Endpoint = front.URL
	c, err := awskms.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	key := s.NewKey(kmstest.Region)
	const workers, rounds = 32, 20
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			plain := secret.Random(16 + w)
			for range rounds {
				b, err := c.Encrypt(t.Context(), key, plain, nil)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := c.Decrypt(t.Context(), b, nil)
				if err != nil || !got.Equal(plain) {
					t.Error(err)
					return
				}
				got.Wipe()
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if opened > 2*workers { // a worker that dials may find an idle one before
		t.Errorf("%d connections for %d workers", opened, workers)
	}
	if n := c.Requests(); n["Decrypt"] != workers*rounds {
		t.Errorf("%v: some were sent again", n)
	}
}

// An answer that breaks off is no answer, whatever has come of it.
func TestAnswerBreaksOff(t *testing.T) {
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"KeyId":"k","Plaintext":"c2VjcmV0`)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer front.Close()
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	stderr := os.Stderr
	os.Stderr = said
	_, c, key := newClient(t, func(o *awskms.Options) { o.Endpoint = front.URL })
	os.Stderr = stderr
	got, err := c.Decrypt(t.Context(), awskms.Blob{KeyARN: key, Data: []byte("x")}, nil)
	if got != nil || !errors.Is(err, keyring.ErrUnreachable) || !strings.HasSuffix(err.Error(), ": the answer could not be read: the connection was closed without an answer") {
		t.Errorf("%v, %v", got, err)
	}
	if n := c.Requests()["Decrypt"]; n != 3 {
		t.Errorf("%d requests", n)
	}
	if text, err := os.ReadFile(said.Name()); err != nil || len(text) > 0 {
		t.Errorf("the SDK writes to the standard error: %q, %v", text, err)
	}
}

// A clock that is wrong is set by what the server's answer says.
func TestClockSkew(t *testing.T) {
	const ahead = 3 * time.Hour
	clean(t)
	s := kmstest.New(t)
	key := s.NewKey(kmstest.Region)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(ahead)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err == nil && at.Sub(now).Abs() < 5*time.Minute {
			s.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"InvalidSignatureException","message":"Signature expired: 20260101T000000Z is now earlier than 20260101T002500Z"}`)
	}))
	defer front.Close()
	o := s.Options()
	o.Endpoint = front.URL
	c, err := awskms.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if _, err := c.Describe(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Requests()["DescribeKey"]; n != 4 {
		t.Errorf("%d requests, not 4: what was learnt is forgotten", n)
	}
}
