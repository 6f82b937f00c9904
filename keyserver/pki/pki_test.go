package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

func newCA(t *testing.T, now time.Time) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestIssue_VerifiesForItsPurposeOnly(t *testing.T) {
	now := time.Now()
	ca := newCA(t, now)
	names, err := pki.ServerNames("db1", []string{"keys.example.com", "10.0.0.7", "[fe80::1]"})
	if err != nil {
		t.Fatal(err)
	}
	server, err := ca.IssueServer(names, now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.IssueClient("mysql-1", key.Public(), pki.ClientLife, now)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	verify := func(c *x509.Certificate, use x509.ExtKeyUsage, name string) error {
		_, err := c.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{use}, DNSName: name, CurrentTime: now})
		return err
	}
	for _, name := range []string{"localhost", "127.0.0.1", "[::1]", "db1", "keys.example.com", "10.0.0.7", "[fe80::1]"} {
		if err := verify(server.Certificate, x509.ExtKeyUsageServerAuth, name); err != nil {
			t.Errorf("server as %s: %v", name, err)
		}
	}
	if verify(server.Certificate, x509.ExtKeyUsageServerAuth, "other") == nil {
		t.Error("the server's certificate is good for another name")
	}
	if verify(server.Certificate, x509.ExtKeyUsageClientAuth, "") == nil {
		t.Error("the server's certificate is good for a client")
	}
	if err := verify(client, x509.ExtKeyUsageClientAuth, ""); err != nil {
		t.Errorf("client: %v", err)
	}
	if verify(client, x509.ExtKeyUsageServerAuth, "") == nil {
		t.Error("a client's certificate is good for a server")
	}
	if client.Subject.CommonName != "mysql-1" || client.IsCA {
		t.Errorf("client: CN %q, CA %v", client.Subject.CommonName, client.IsCA)
	}
	if d := client.NotAfter.Sub(now); d < pki.ClientLife-time.Minute || d > pki.ClientLife {
		t.Errorf("the client's certificate lives %v", d)
	}
	if d := ca.Certificate.NotAfter.Sub(now); d < 3649*24*time.Hour {
		t.Errorf("the CA lives %v", d)
	}
}

// TestRenew: what either certificate of the CA has signed is good under both.
func TestRenew(t *testing.T) {
	then := time.Now()
	now := then.Add(pki.CALife - pki.CARenewBefore)
	old := newCA(t, then)
	renewed, err := old.Renew(now)
	if err != nil {
		t.Fatal(err)
	}
	if renewed.Certificate.Equal(old.Certificate) || renewed.Certificate.NotAfter.Before(now.Add(pki.CALife-time.Hour)) {
		t.Errorf("it ends on %v", renewed.Certificate.NotAfter)
	}
	for signer, ca := range map[string]*pki.CA{"old": old, "new": renewed} {
		server, err := ca.IssueServer([]string{"db1"}, now)
		if err != nil {
			t.Fatal(err)
		}
		for trust, root := range map[string]*pki.CA{"old": old, "new": renewed} {
			roots := x509.NewCertPool()
			roots.AddCert(root.Certificate)
			if _, err := server.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "db1", CurrentTime: now.Add(time.Hour)}); err != nil {
				t.Errorf("signed by the %s, trusted by the %s: %v", signer, trust, err)
			}
		}
		if reason := renewed.RenewalReason(server.Certificate, []string{"db1"}, now); reason != "" {
			t.Errorf("the %s one's certificate is renewed: %s", signer, reason)
		}
	}
}

func TestIssueClient_Limits(t *testing.T) {
	now := time.Now()
	ca := newCA(t, now)
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.IssueClient("long", key.Public(), 2*pki.CALife, now)
	if err != nil || !c.NotAfter.Equal(ca.Certificate.NotAfter) {
		t.Errorf("a certificate longer than the CA ends %v, %v", c.NotAfter, err)
	}
	if _, err := ca.IssueClient("none", key.Public(), 0, now); err == nil {
		t.Error("a life time of 0 was taken")
	}
	if _, err := ca.IssueClient("late", key.Public(), time.Hour, now.Add(pki.CALife+time.Hour)); err == nil || !strings.Contains(err.Error(), "the CA has expired") {
		t.Errorf("a CA past its end: %v", err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := pki.NewRSAKey()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := ca.IssueClient("rsa", long.Public(), time.Hour, now); err != nil || c.CheckSignatureFrom(ca.Certificate) != nil {
		t.Errorf("an RSA key: %v", err)
	}
	short := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	for _, public := range []any{p384.Public(), &rsa.PublicKey{}, short, nil} {
		if _, err := ca.IssueClient("odd", public, time.Hour, now); err == nil {
			t.Errorf("a %T was signed", public)
		}
	}
}

func TestServerNames(t *testing.T) {
	got, err := pki.ServerNames("db1", []string{"db1", "127.0.0.1", " b.example ", "*.x.example", "10.0.0.1", "localhost"})
	want := []string{"*.x.example", "b.example", "db1", "localhost", "10.0.0.1", "127.0.0.1", "::1"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("names = %q, %v; want %q", got, err, want)
	}
	if got, err := pki.ServerNames("not a host", nil); err != nil || len(got) != 3 {
		t.Errorf("a host with an odd name: %q, %v", got, err)
	}
	_, err = pki.ServerNames("", []string{"a b", "good", "host:5696", ""})
	if err == nil || !strings.Contains(err.Error(), `"a b", "host:5696", ""`) {
		t.Errorf("bad names: %v", err)
	}
}

func TestRenewalReason(t *testing.T) {
	now := time.Now()
	ca := newCA(t, now)
	names, _ := pki.ServerNames("db1", nil)
	server, err := ca.IssueServer(names, now)
	if err != nil {
		t.Fatal(err)
	}
	more, _ := pki.ServerNames("db1", []string{"new"})
	for _, tt := range []struct {
		what  string
		ca    *pki.CA
		names []string
		now   time.Time
		want  string
	}{
		{"fresh", ca, names, now, ""},
		{"a day before it is time", ca, names, now.Add(pki.ServerLife - pki.RenewBefore - 24*time.Hour), ""},
		{"time", ca, names, now.Add(pki.ServerLife - pki.RenewBefore + time.Hour), "it ends on"},
		{"names", ca, more, now, "its names have changed"},
		{"another CA", newCA(t, now), names, now, "not from this CA"},
	} {
		if got := tt.ca.RenewalReason(server.Certificate, tt.names, tt.now); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
	ahead, err := ca.IssueServer(names, now.Add(48*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if got := ca.RenewalReason(ahead.Certificate, names, now); !strings.Contains(got, "the clock was wrong") {
		t.Errorf("a certificate of the day after tomorrow: %q", got)
	}
	if got := ca.RenewalReason(ahead.Certificate, names, now.Add(-72*time.Hour)); got != "" {
		t.Errorf("the clock is wrong now: %q", got)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	now := time.Now()
	ca := newCA(t, now)
	if err := ca.Save(path("ca.pem"), path("ca.key")); err != nil {
		t.Fatal(err)
	}
	again, err := pki.LoadCA(path("ca.pem"), path("ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := again.IssueServer([]string{"localhost"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Save(path("server.pem"), path("server.key")); err != nil {
		t.Fatal(err)
	}
	if err := server.Certificate.CheckSignatureFrom(ca.Certificate); err != nil {
		t.Errorf("the CA that was loaded signs otherwise: %v", err)
	}
	if _, err := tls.LoadX509KeyPair(path("server.pem"), path("server.key")); err != nil {
		t.Errorf("crypto/tls: %v", err)
	}
	if info, err := os.Stat(path("ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the CA's key: %v, %v", info.Mode(), err)
	}
	if _, err := pki.LoadCA(path("server.pem"), path("server.key")); err == nil || !strings.Contains(err.Error(), "not the certificate of a CA") {
		t.Errorf("the server's pair as CA: %v", err)
	}
	if _, err := pki.Load(path("ca.pem"), path("server.key")); err == nil || !strings.Contains(err.Error(), "does not belong to") {
		t.Errorf("mixed files: %v", err)
	}
	if _, err := pki.Load(path("ca.key"), path("ca.key")); err == nil || !strings.Contains(err.Error(), `PEM block "CERTIFICATE"`) {
		t.Errorf("a key as certificate: %v", err)
	}
	if err := os.Chmod(path("ca.key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.LoadCA(path("ca.pem"), path("ca.key")); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path("ca.key")) {
		t.Errorf("a readable key: %v", err)
	}
}
