package awskms_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// tunnels is a proxy that makes tunnels for who knows the password.
type tunnels struct {
	made atomic.Int32
	user string // "" for anybody
	to   string // where they all lead; "" for where the client wants
}

func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, password, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
	switch {
	case r.Method != http.MethodConnect:
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	case p.user != "" && p.user != name+":"+password:
		w.Header().Set("Proxy-Authenticate", "Basic")
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	to := p.to
	if to == "" {
		to = r.Host
	}
	there, err := net.Dial("tcp", to)
	if err != nil {
		http.Error(w, "no", http.StatusBadGateway)
		return
	}
	defer there.Close()
	p.made.Add(1)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { io.Copy(there, here); there.Close() }()
	io.Copy(here, there)
}

func TestProxy(t *testing.T) {
	clean(t)
	s := kmstest.New(t)
	key := s.NewKey(kmstest.Region)
	secure := httptest.NewTLSServer(s)
	defer secure.Close()
	t.Setenv("AWS_CA_BUNDLE", bundleOf(t, secure))

	for name, tc := range map[string]struct {
		tls            bool // of the proxy
		endpoint, user string
		login          string // what the client gives
		text           string // of the error
	}{
		"https through http":          {false, secure.URL, "", "", ""},
		"https through https":         {true, secure.URL, "", "", ""},
		"http through http":           {false, s.URL, "", "", ""},
		"with a password":             {false, secure.URL, "me:p@ss word", "me:p%40ss%20word@", ""},
		"with a wrong password":       {false, secure.URL, "me:right", "me:wrong-password@", "the proxy PROXY: 407 Proxy Authentication Required"},
		"to where the proxy gets not": {false, "https://" + closedPort(t), "", "", "the proxy PROXY: 502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &tunnels{user: tc.user}
			front := httptest.NewUnstartedServer(p)
			if tc.tls {
				front.TLS = secure.TLS.Clone()
				front.StartTLS()
			} else {
				front.Start()
			}
			defer front.Close()
			scheme, host, _ := strings.Cut(front.URL, "://")
			o := s.Options()
			o.Endpoint, o.Proxy, o.Timeout = tc.endpoint, scheme+"://"+tc.login+host, time.Second
			c, err := awskms.New(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.Describe(t.Context(), key)
			if tc.text == "" {
				if err != nil || p.made.Load() != 1 {
					t.Errorf("%v, %d tunnels", err, p.made.Load())
				}
				return
			}
			if want := strings.ReplaceAll(tc.text, "PROXY", host); err == nil || !strings.HasSuffix(err.Error(), want) || !errors.Is(err, keyring.ErrUnreachable) {
				t.Errorf("%v, want %s", err, want)
			} else if strings.Contains(err.Error(), "wrong-password") {
				t.Errorf("%v shows the password", err)
			}
		})
	}

	t.Run("silent", func(t *testing.T) {
		o := s.Options()
		o.Endpoint, o.Proxy, o.Timeout = secure.URL, "http://"+silent(t), 200*time.Millisecond
		c, err := awskms.New(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		began := time.Now()
		if _, err := c.Describe(t.Context(), key); !errors.Is(err, keyring.ErrUnreachable) || time.Since(began) > time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
	for _, bad := range []string{"proxy:3128", "socks5://x:1", "http://", "http://u:p-w@x:y", "://"} {
		o := s.Options()
		o.Proxy = bad
		if _, err := awskms.New(t.Context(), o); !errors.Is(err, keyring.ErrInvalid) || strings.Contains(err.Error(), "p-w") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// bundleOf writes a server's certificate to a file.
func bundleOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	write(t, name, certificateOf(s))
	return name
}

const environmentVariable = "DBKEYRING_KMSTEST_PROXY"

// The proxy of the environment is read once in a process, so that this test needs its own.
func TestProxy_Environment(t *testing.T) {
	if want := os.Getenv(environmentVariable); want != "" {
		_, c, _ := newClient(t, func(o *awskms.Options) { o.Endpoint, o.Timeout = "https://kms.example.com", 500*time.Millisecond })
		_, err := c.Describe(t.Context(), "alias/x")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		return
	}
	front := httptest.NewServer(&tunnels{user: "me:right"})
	defer front.Close()
	u, _ := url.Parse(front.URL)
	for want, env := range map[string]string{
		"the proxy " + u.Host + ": 407": "NO_PROXY=elsewhere",
		"the host's name":               "NO_PROXY=.example.com",
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestProxy_Environment$")
		cmd.Env = append(os.Environ(), environmentVariable+"="+want, "HTTPS_PROXY="+front.URL, env)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", env, err, out)
		}
	}
}
