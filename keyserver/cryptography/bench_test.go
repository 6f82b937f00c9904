package cryptography_test

import (
	"crypto/x509"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// A key is read anew for each use, since its bytes are nowhere in memory between two.
func BenchmarkParsePrivateKey(b *testing.B) {
	for _, p := range pairs {
		der := must(x509.MarshalPKCS8PrivateKey(p.private))
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, der)
				if err != nil {
					b.Fatal(err)
				}
				k.Wipe()
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for _, p := range pairs {
		k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, must(x509.MarshalPKCS8PrivateKey(p.private)))
		if err != nil {
			b.Fatal(err)
		}
		params := kmip.CryptographicParameters{Hash: kmip.HashSHA256}
		switch p.alg {
		case kmip.AlgorithmRSA:
			params.Padding = kmip.PaddingPSS
		case kmip.AlgorithmEd25519:
			params.Hash = 0
		}
		b.Run(p.name, func(b *testing.B) {
			for b.Loop() {
				s, err := cryptography.NewSignature(params, k)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Update([]byte("data")); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Sign(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
