package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

func TestParseForeignCA(t *testing.T) {
	now := time.Now()
	own := newCA(t, now).Certificate
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(change func(*x509.Certificate)) []byte {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "company"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		change(c)
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return pki.EncodeCertificate(cert)
	}
	good := sign(func(*x509.Certificate) {})
	secret, err := pki.EncodeKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		what string
		text []byte
		want string // "": accepted
	}{
		{"a CA", good, ""},
		{"nothing", []byte("text"), "no certificate in PEM"},
		{"a leaf", sign(func(c *x509.Certificate) { c.IsCA = false }), "not the certificate of a CA"},
		{"no keyCertSign", sign(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), "keyCertSign"},
		{"expired", sign(func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }), "expired on"},
		{"not yet", sign(func(c *x509.Certificate) { c.NotBefore = now.Add(time.Minute) }), "not valid before"},
		{"our own", pki.EncodeCertificate(own), "own CA"},
		{"twice", append(append([]byte{}, good...), good...), "twice"},
		{"with its key", append(append([]byte{}, good...), secret...), "private key"},
	} {
		all, err := pki.ParseForeignCA(tt.text, own, now)
		switch {
		case tt.want == "" && (err != nil || len(all) != 1):
			t.Errorf("%s: %d, %v", tt.what, len(all), err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
}
