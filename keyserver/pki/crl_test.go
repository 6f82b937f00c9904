package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

func TestCRL(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "company"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	list := func(number int64, at time.Time, extra ...pkix.Extension) []byte {
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			Number: big.NewInt(number), ThisUpdate: at, NextUpdate: at.Add(time.Hour), ExtraExtensions: extra,
			RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: at}},
		}, ca, key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	old, err := pki.ParseCRL(list(5, now), ca, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.CheckRevoked(big.NewInt(7), old); !errors.Is(err, pki.ErrRevoked) {
		t.Errorf("a revoked one: %v", err)
	}
	if err := pki.CheckRevoked(big.NewInt(8), old); err != nil {
		t.Errorf("another: %v", err)
	}
	forged := list(6, now)
	forged[len(forged)-1] ^= 1
	for _, tt := range []struct {
		what string
		data []byte
		ca   *x509.Certificate
		want string // "": accepted
	}{
		{"the same again", list(5, now), ca, ""},
		{"a newer one", list(6, now.Add(time.Minute)), ca, ""},
		{"in PEM", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list(6, now)}), ca, ""},
		{"a smaller number", list(4, now.Add(time.Minute)), ca, "the number 4"},
		{"an older time", list(6, now.Add(-time.Minute)), ca, "which is newer"},
		{"another CA's", list(6, now), newCA(t, now).Certificate, "not of"},
		{"forged", forged, ca, "has not signed"},
		{"a part of a list", list(6, now, pkix.Extension{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}), ca, "critical extension"},
		{"a certificate", pki.EncodeCertificate(ca), ca, `"CERTIFICATE"`},
		{"text", []byte("text"), ca, "no revocation list"},
	} {
		_, err := pki.ParseCRL(tt.data, tt.ca, old)
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.want)
		}
	}
}
