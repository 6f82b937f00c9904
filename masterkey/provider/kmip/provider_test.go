package kmip_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/masterkey"
	provider "github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/masterkey/providertest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// onePEM puts certificate and key into one file, as mongod has them.
func onePEM(t testing.TB, files ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client.pem")
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newProvider(t testing.TB, o provider.Options) *provider.Provider {
	t.Helper()
	p, err := provider.New(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestConformance(t *testing.T) {
	for name, creates := range map[string]bool{"Register": false, "Create": true, "KMIP 2.1": true} {
		t.Run(name, func(t *testing.T) {
			var options []keyservertest.Option
			if name == "KMIP 2.1" {
				options = append(options, keyservertest.WithVersions(kmip.V2_1))
			}
			s := keyservertest.New(t, options...)
			cert, key := s.NewClient("node")
			pem := onePEM(t, key, cert)
			providertest.Test(t, func(t testing.TB) masterkey.Provider {
				return newProvider(t, provider.Options{Servers: []string{s.Addr}, CertFile: pem, CAFile: s.CAFile, ServerCreates: creates})
			}, keeper)
		})
	}
}

var keeper = providertest.Keeper{Missing: []masterkey.Ref{{ID: "nothing"}}, States: true, Finds: true, Asks: true}

// fakes are lenient servers that share a CA.
func fakes(t *testing.T, n int) (o provider.Options, keepers []*kmiptest.Keeper) {
	t.Helper()
	return fakesOf(t, kmiptest.NewAuthority(t), n)
}

func fakesOf(t *testing.T, a *kmiptest.Authority, n int) (o provider.Options, keepers []*kmiptest.Keeper) {
	t.Helper()
	c := a.Client("node")
	o = provider.Options{CertFile: onePEM(t, c.CertFile, c.KeyFile), CAFile: a.CertFile, Timeout: time.Second}
	for range n {
		k := &kmiptest.Keeper{}
		keepers = append(keepers, k)
		o.Servers = append(o.Servers, kmiptest.NewServer(t, a.ServerConfig(a.Server()), k.Handle).Addr)
	}
	return o, keepers
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A dead first host costs no outage, and a standby that lacks the key is no proof that
// it is gone.
func TestSeveralServers(t *testing.T) {
	o, keepers := fakes(t, 2)
	want := secret.Random(32)
	keepers[1].Add(kmip.SymmetricKey(kmip.AlgorithmAES, want), kmip.StateActive)
	id := keepers[1].IDs()[0]
	o.Servers = append([]string{closedPort(t)}, o.Servers...)
	p := newProvider(t, o)
	got, ref, err := p.Read(t.Context(), masterkey.Ref{ID: id})
	if err != nil || !got.Equal(want) || ref.Server != o.Servers[2] {
		t.Fatalf("%+v, %v", ref, err)
	}
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Active {
		t.Errorf("%s, %v", state, err)
	}
	if _, _, err := p.Read(t.Context(), masterkey.Ref{ID: "999"}); keyring.KindOf(err) != keyring.ErrUnreachable || !strings.Contains(err.Error(), "not all did: connect to "+o.Servers[0]) {
		t.Errorf("absent where it could be asked for: %v", err)
	}
	o.Servers = o.Servers[1:]
	p = newProvider(t, o)
	if _, _, err := p.Read(t.Context(), masterkey.Ref{ID: "999"}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("absent everywhere: %v", err)
	}
	// Another refusal of one server is no absence either.
	keepers[1].Hook(func(kmip.Payload) error { return kmip.Errorf(kmip.ReasonPermissionDenied, "no") }, nil)
	if _, _, err := p.Read(t.Context(), masterkey.Ref{ID: "999"}); keyring.KindOf(err) == keyring.ErrNotFound {
		t.Errorf("refused by one: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	o, _ := fakes(t, 0)
	o.Servers = []string{closedPort(t), closedPort(t)}
	o.Attempts = 3
	o.Cure = func(error) string { return "Start the key server." }
	p := newProvider(t, o)
	start := time.Now()
	_, _, err := p.Read(t.Context(), masterkey.Ref{ID: "1"})
	if keyring.KindOf(err) != keyring.ErrUnreachable || !strings.Contains(err.Error(), o.Servers[1]) || !strings.HasSuffix(err.Error(), "Start the key server.") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took < time.Second || took > 6*time.Second {
		t.Errorf("three rounds took %v", took)
	}
}

// A server that stalls in a later exchange is given up after the time-out.
func TestStall(t *testing.T) {
	o, keepers := fakes(t, 1)
	keepers[0].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	id := keepers[0].IDs()[0]
	p := newProvider(t, o)
	if _, err := p.State(t.Context(), masterkey.Ref{ID: id}); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	defer close(release)
	keepers[0].Hook(func(kmip.Payload) error { <-release; return nil }, nil)
	start := time.Now()
	_, _, err := p.Read(t.Context(), masterkey.Ref{ID: id})
	if took := time.Since(start); keyring.KindOf(err) != keyring.ErrUnreachable || took > 5*time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// Older releases of Percona Server for MongoDB registered the key's base64 text.
func TestForms(t *testing.T) {
	o, keepers := fakes(t, 1)
	p := newProvider(t, o)
	want := secret.Random(32)
	text := secret.Copy([]byte(base64.StdEncoding.EncodeToString(want.Reveal())))
	for content, good := range map[*secret.Bytes]bool{want: true, text: true, secret.Random(16): false, secret.Random(44): false, secret.Random(64): false} {
		before := len(keepers[0].IDs())
		keepers[0].Add(kmip.SymmetricKey(kmip.AlgorithmAES, content), kmip.StateActive)
		got, _, err := p.Read(t.Context(), masterkey.Ref{ID: keepers[0].IDs()[before]})
		if good != (err == nil) || good && !got.Equal(want) || !good && keyring.KindOf(err) != keyring.ErrCorrupt {
			t.Errorf("%d bytes: %v", content.Len(), err)
		}
	}
	for _, other := range []kmip.Object{kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, want.Clone()), kmip.OpaqueObject(1<<31, want.Clone())} {
		id := keepers[0].Add(other, kmip.StateActive)
		if _, _, err := p.Read(t.Context(), masterkey.Ref{ID: id}); keyring.KindOf(err) != keyring.ErrCorrupt || !strings.Contains(err.Error(), other.Type.String()) {
			t.Errorf("%s: %v", other.Type, err)
		}
	}
}

// What a security engineer does on the server is seen here.
func TestRevoked(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("node")
	p := newProvider(t, provider.Options{Servers: []string{s.Addr}, CertFile: onePEM(t, cert, key), CAFile: s.CAFile})
	_, ref, err := p.Create(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.PreActive {
		t.Errorf("%s, %v", state, err)
	}
	if err := p.Activate(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	adminCert, adminKey := s.NewAdmin("engineer")
	admin, err := kmipclient.New(kmipclient.Options{Servers: []string{s.Addr}, TLS: s.ClientConfig(adminCert, adminKey)})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Revoke(context.Background(), &kmip.RevokeRequest{UniqueIdentifier: ref.ID, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}}); err != nil {
		t.Fatal(err)
	}
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Compromised {
		t.Errorf("%s, %v", state, err)
	}
	if err := p.Activate(t.Context(), ref); err == nil {
		t.Error("a compromised key was activated")
	}
}

// The private key may have a password; and what cannot be used is told before anybody is
// asked.
func TestCertificates(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	c := a.Client("node")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	password := secret.Copy([]byte("a password"))
	other, err := pemkey.EncodeEncrypted(key, password)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(foreign, other, 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := pemkey.LoadKey(c.KeyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	locked, err := pemkey.EncodeEncrypted(own, password)
	if err != nil {
		t.Fatal(err)
	}
	lockedFile := filepath.Join(t.TempDir(), "locked.pem")
	if err := os.WriteFile(lockedFile, locked, 0o600); err != nil {
		t.Fatal(err)
	}
	good := provider.Options{Servers: []string{"127.0.0.1:1"}, CertFile: onePEM(t, c.CertFile, lockedFile), CAFile: a.CertFile, Password: password}
	newProvider(t, good)
	for name, change := range map[string]func(*provider.Options){
		"no file":        func(o *provider.Options) { o.CertFile = "/none" },
		"wrong password": func(o *provider.Options) { o.Password = secret.Copy([]byte("x")) },
		"no password":    func(o *provider.Options) { o.Password = nil },
		"another's key":  func(o *provider.Options) { o.CertFile = onePEM(t, c.CertFile, foreign) },
		"no CA":          func(o *provider.Options) { o.CAFile = "/none" },
		"no certificate": func(o *provider.Options) { o.CertFile = lockedFile },
	} {
		o := good
		change(&o)
		if _, err := provider.New(o, nil); keyring.KindOf(err) != keyring.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A server of another authority is not believed.
	o, _ := fakes(t, 1)
	o.CAFile = a.CertFile
	if _, err := newProvider(t, o).State(t.Context(), masterkey.Ref{ID: "1"}); keyring.KindOf(err) != keyring.ErrUnreachable || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

// A server that speaks KMIP 1.0 only is served, too.
func TestOldServer(t *testing.T) {
	o, keepers := fakes(t, 1)
	keepers[0].Versions, keepers[0].NoDiscover = []kmip.Version{kmip.V1_0}, true
	p := newProvider(t, o)
	key, ref, err := p.Create(t.Context(), "m")
	if err == nil {
		err = p.Activate(t.Context(), ref)
	}
	if got, _, readErr := p.Read(t.Context(), ref); err != nil || readErr != nil || !got.Equal(key) {
		t.Errorf("%v, %v", err, readErr)
	}
}
