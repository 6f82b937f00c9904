package kmip_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/masterkey"
	provider "github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The private key may have a password, and stand before or after the certificate.
func TestTLS_Password(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	o, keepers := fakesOf(t, a, 1)
	id := keepers[0].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	c := a.Client("node")
	key, err := pemkey.LoadKey(c.KeyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Password = secret.Copy([]byte("pass word, ü"))
	text, err := pemkey.EncodeEncrypted(key, o.Password)
	if err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(t.TempDir(), "locked.pem")
	if err := os.WriteFile(locked, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][]string{{c.CertFile, locked}, {locked, c.CertFile}, {locked, c.CertFile, a.CertFile}} {
		o.CertFile = onePEM(t, files...)
		if _, _, err := newProvider(t, o).Read(t.Context(), masterkey.Ref{ID: id}); err != nil {
			t.Error(err)
		}
	}
}

// A server that is not whom we meant, or does not want us, is an outage or a refusal, and
// the configuration's words for it end the message.
func TestTLS_Refused(t *testing.T) {
	a, other := kmiptest.NewAuthority(t), kmiptest.NewAuthority(t)
	k := &kmiptest.Keeper{}
	k.Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	good := a.Client("node")
	stranger := other.Client("node")
	for name, c := range map[string]struct {
		server *kmiptest.Authority
		names  []string
		client kmiptest.Pair
		ca     string
		kind   error
		says   string
	}{
		"all is well":          {a, nil, good, a.CertFile, nil, ""},
		"another authority":    {other, nil, good, a.CertFile, keyring.ErrUnreachable, "certificate"},
		"the system's alone":   {a, nil, good, "", keyring.ErrUnreachable, "certificate"},
		"another name":         {a, []string{"kms.example.com"}, good, a.CertFile, keyring.ErrUnreachable, "kms.example.com"},
		"a client of no right": {a, nil, stranger, a.CertFile, keyring.ErrDenied, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := a.ServerConfig(c.server.Server(c.names...))
			o := provider.Options{
				Servers:  []string{kmiptest.NewServer(t, conf, k.Handle).Addr},
				CertFile: onePEM(t, c.client.CertFile, c.client.KeyFile), CAFile: c.ca, Timeout: 2 * time.Second,
				Cure: func(error) string { return "Do this." },
			}
			_, err := newProvider(t, o).State(t.Context(), masterkey.Ref{ID: "1"})
			if c.kind == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if keyring.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.HasSuffix(err.Error(), ". Do this.") || !strings.Contains(err.Error(), o.Servers[0]) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Whoever takes the connection and says nothing costs one time-out, and not more for
// being asked for several things.
func TestTLS_Silent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts, and the kernel does
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o, keepers := fakes(t, 1)
	id := keepers[0].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	working := o.Servers[0]
	o.Servers = []string{l.Addr().String()}
	start := time.Now()
	_, err = newProvider(t, o).State(t.Context(), masterkey.Ref{ID: id})
	if took := time.Since(start); keyring.KindOf(err) != keyring.ErrUnreachable || took > 3*time.Second || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("%v after %v", err, took)
	}
	o.Servers = []string{l.Addr().String(), working}
	start = time.Now()
	_, ref, err := newProvider(t, o).Read(t.Context(), masterkey.Ref{ID: id})
	if took := time.Since(start); err != nil || ref.Server != working || took > 3*time.Second {
		t.Errorf("%+v, %v after %v", ref, err, took)
	}
}

// The system's certificates are trusted besides those of the file. A process reads them
// once, so that this is another process.
func TestTLS_System(t *testing.T) {
	const name = "DBKEYRING_TEST_SYSTEM_CA"
	a := kmiptest.NewAuthority(t)
	if server, ok := os.LookupEnv(name); ok {
		for _, ca := range []string{"", a.CertFile} {
			p := newProvider(t, provider.Options{Servers: []string{server}, CertFile: os.Getenv(name + "_CLIENT"), CAFile: ca, Timeout: 5 * time.Second})
			if _, err := p.State(t.Context(), masterkey.Ref{ID: "1"}); err != nil {
				t.Error(err)
			}
		}
		return
	}
	o, keepers := fakesOf(t, a, 1)
	keepers[0].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	cmd.Env = append(os.Environ(), name+"="+o.Servers[0], name+"_CLIENT="+o.CertFile, "SSL_CERT_FILE="+a.CertFile, "SSL_CERT_DIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
