package endpoint

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
)

// TestRegistry_ForeignCA: which of two CAs' certificates count, by revocation list, in the
// register that made the change and in one freshly read.
func TestRegistry_ForeignCA(t *testing.T) {
	own, err := pki.NewCA(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := memory.New()
	r := open(t, s)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(c, parent *x509.Certificate) *x509.Certificate { // one key will do: what is signed is told apart by issuer
		t.Helper()
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "company"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	ca := sign(template, template)
	if _, err := r.ImportCA(ctx, "a/b", nil, nil, own.Certificate); !errors.Is(err, ErrCA) {
		t.Errorf("a bad name: %v", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	if _, err := r.ImportCA(ctx, "company", text, []byte("no list"), own.Certificate); !errors.Is(err, ErrCA) || len(r.CAs()) != 0 {
		t.Errorf("with a bad list: %v, and there is %v", err, r.CAs())
	}
	if _, err := r.ImportCA(ctx, "company", text, nil, own.Certificate); err != nil {
		t.Fatal(err)
	}
	client := func(serial int64) *x509.Certificate {
		return sign(&x509.Certificate{SerialNumber: big.NewInt(serial), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca)
	}
	one, two := client(0xa1), client(2)
	for name, cert := range map[string]*x509.Certificate{"one": one, "two": two} {
		if _, err := r.Add(ctx, name, cert, Options{Foreign: true}); err != nil {
			t.Fatal(err)
		}
	}
	who := func(cert *x509.Certificate, want error) {
		t.Helper()
		for _, reg := range []*Registry{r, open(t, s)} {
			if _, err := reg.Authenticate(cert); !errors.Is(err, want) {
				t.Errorf("authenticate: %v; want %v", err, want)
			}
		}
	}
	who(one, nil)
	who(client(3), ErrUnknown)
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-2 * time.Hour), NextUpdate: time.Now().Add(-time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: one.SerialNumber, RevocationTime: time.Now()}}}, ca, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.SetCRL(ctx, "company", der); err != nil || len(got.Endpoints) != 1 || got.Endpoints[0] != "two" || got.Issuers[0].CRL.Revoked != 1 {
		t.Errorf("with a list: %+v, %v", got, err)
	}
	who(one, pki.ErrRevoked) // the list is past its end, and counts
	who(two, nil)
	if _, err := r.Renew(ctx, "two", client(4), false); err != nil { // as if the server's own CA had signed it
		t.Fatal(err)
	}
	if _, err := r.RemoveCA(ctx, "company", false); !errors.Is(err, ErrCAInUse) {
		t.Errorf("removing it while it is in use: %v", err)
	}
	if _, err := r.RemoveCA(ctx, "company", true); err != nil {
		t.Fatal(err)
	}
	who(two, ErrRemoved)
	if _, err := r.RemoveCA(ctx, "company", true); !errors.Is(err, ErrNoCA) {
		t.Errorf("removing it twice: %v", err)
	}
}
