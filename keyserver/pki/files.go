package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// File permissions: a private key is its owner's, a certificate is everybody's.
const (
	keyPerm  fs.FileMode = 0o600
	certPerm fs.FileMode = 0o644
)

// EncodeCertificate returns certificates as PEM, one after the other.
func EncodeCertificate(certs ...*x509.Certificate) (text []byte) {
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

// EncodeKey returns a private key as PEM (PKCS#8). The caller wipes it.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(der)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ErrMismatch: a key and a certificate do not belong together. A crash in the
// middle of [Pair.Save] leaves such files behind.
var ErrMismatch = errors.New("the key does not belong to the certificate")

// Save writes a pair into two files, the key first: a certificate without its
// key must not be what a crash leaves.
func (p Pair) Save(certFile, keyFile string) error {
	text, err := EncodeKey(p.Key)
	if err != nil {
		return err
	}
	defer secret.Wipe(text)
	if err := atomicfile.WriteFile(keyFile, text, keyPerm); err != nil {
		return err
	}
	return SaveCertificate(certFile, p.Certificate)
}

// SaveCertificate writes certificates into a file.
func SaveCertificate(file string, certs ...*x509.Certificate) error {
	return atomicfile.WriteFile(file, EncodeCertificate(certs...), certPerm)
}

// Save writes the CA into two files.
func (ca *CA) Save(certFile, keyFile string) error {
	return Pair{Certificate: ca.Certificate, Key: ca.key}.Save(certFile, keyFile)
}

// LoadCA reads what Save wrote.
func LoadCA(certFile, keyFile string) (*CA, error) {
	p, err := Load(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if !p.Certificate.IsCA {
		return nil, fmt.Errorf("%s is not the certificate of a CA", certFile)
	}
	return &CA{Certificate: p.Certificate, key: p.Key}, nil
}

// Load reads a pair. That certificate and key belong together is checked, and
// that nobody but the key's owner can read it.
func Load(certFile, keyFile string) (Pair, error) {
	cert, err := LoadCertificate(certFile)
	if err != nil {
		return Pair{}, err
	}
	info, err := os.Stat(keyFile)
	if err != nil {
		return Pair{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Pair{}, fmt.Errorf("the private key %s can be read by others (mode %#o). Run: chmod 600 %s", keyFile, info.Mode().Perm(), keyFile)
	}
	der, err := readPEM(keyFile, "PRIVATE KEY")
	if err != nil {
		return Pair{}, err
	}
	defer secret.Wipe(der)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Pair{}, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return Pair{}, fmt.Errorf("%s: the key is a %T, which cannot sign", keyFile, parsed)
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(cert.PublicKey) {
		return Pair{}, fmt.Errorf("%s and %s: %w", keyFile, certFile, ErrMismatch)
	}
	return Pair{Certificate: cert, Key: key}, nil
}

// LoadCertificate reads one certificate.
func LoadCertificate(file string) (*x509.Certificate, error) {
	der, err := readPEM(file, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cert, nil
}

func readPEM(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(text)
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s does not begin with a PEM block %q", file, kind)
	}
	return block.Bytes, nil
}
