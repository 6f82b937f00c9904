package cryptography_test

import (
	"crypto/x509"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// Whatever is read as a key or as a certificate can be written and used, or is refused.
func FuzzKeys(f *testing.F) {
	for _, p := range pairs {
		k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, must(x509.MarshalPKCS8PrivateKey(p.private)))
		if err != nil {
			f.Fatal(err)
		}
		for _, format := range p.formats {
			f.Add(uint32(format), true, must(k.Marshal(format)).Reveal())
		}
		for _, format := range p.public {
			f.Add(uint32(format), false, must(k.Public().Marshal(format)).Reveal())
		}
	}
	f.Fuzz(func(t *testing.T, format uint32, private bool, material []byte) {
		_, _ = cryptography.CertificateAttributes(material)
		parse := cryptography.ParsePublicKey
		if private {
			parse = cryptography.ParsePrivateKey
		}
		k, err := parse(kmip.KeyFormatType(format), material)
		if err != nil {
			return
		}
		if _, err := k.Marshal(k.OwnFormat()); err != nil {
			t.Errorf("a key that was read cannot be written: %v", err)
		}
		for _, p := range []kmip.CryptographicParameters{{}, {Hash: kmip.HashSHA256}, {Hash: kmip.HashSHA256, Padding: kmip.PaddingPSS}} {
			s, err := cryptography.NewSignature(p, k)
			if err != nil {
				continue
			}
			if err := s.Update([]byte("data")); err != nil {
				t.Fatal(err)
			}
			if !private {
				s.Verify(make([]byte, 256))
			} else if sig, err := s.Sign(); err == nil && !s.Verify(sig) {
				t.Error("a signature is wrong")
			}
		}
	})
}
