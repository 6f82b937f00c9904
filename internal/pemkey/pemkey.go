// Package pemkey reads certificates and private keys from PEM files, in every
// form that key servers' guides and openssl produce: PKCS#1, PKCS#8 and SEC 1,
// encrypted PKCS#8 (PBES2, RFC 8018) and the older encryption with a DEK-Info
// header (RFC 1421). A certificate and its key may share a file.
//
// Every failure is an [*Error] of one kind; the package knows no option names,
// the caller adds the cure in the words of its configuration.
package pemkey

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/dbkeyring/dbkeyring/secret"
)

// The kinds of failure; test with errors.Is. A file that does not exist or may
// not be read is fs.ErrNotExist or fs.ErrPermission.
var (
	ErrNotPEM         = errors.New("it is not in PEM form")
	ErrNoCertificate  = errors.New("there is no certificate in it")
	ErrNoKey          = errors.New("there is no private key in it")
	ErrNoPassword     = errors.New("the private key is encrypted and there is no password")
	ErrWrongPassword  = errors.New("the password does not open the private key")
	ErrUnsupported    = errors.New("the private key is in a form that is not supported")
	ErrDamaged        = errors.New("it is damaged")
	ErrMismatch       = errors.New("the private key does not belong to the certificate")
	ErrNotYetValid    = errors.New("the certificate is not valid yet")
	ErrExpired        = errors.New("the certificate has expired")
	errNotRegularFile = errors.New("it is not a regular file")
)

// Error says what is wrong with which file.
type Error struct {
	File   string
	Kind   error  // one of the kinds above, or what the operating system said
	Detail string // more about it, a clause without a full stop; may be empty
}

// Error gives "FILE: kind (detail)".
func (e *Error) Error() string {
	return e.File + ": " + e.Reason()
}

// Reason is Error without the file.
func (e *Error) Reason() string {
	if e.Detail == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + " (" + e.Detail + ")"
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

// maxFile is far above any chain of certificates.
const maxFile = 1 << 20

// LoadPair reads a certificate with its chain and the private key that belongs
// to it. The files may be the same one. The password opens an encrypted key and
// is not used for a plain one; nil means that there is none. The dates of the
// certificate are not looked at: see [CheckDates].
//
// Both files' errors are joined, so that one message tells them all.
func LoadPair(certFile, keyFile string, password *secret.Bytes) (tls.Certificate, error) {
	certs, certErr := LoadCertificates(certFile)
	key, keyErr := LoadKey(keyFile, password)
	if err := errors.Join(certErr, keyErr); err != nil {
		return tls.Certificate{}, err
	}
	return Pair(certFile, certs, keyFile, key)
}

// Pair puts a chain, leaf first, and its key together, or returns an error of
// kind [ErrMismatch]. The files are for the message.
func Pair(certFile string, certs []*x509.Certificate, keyFile string, key crypto.Signer) (tls.Certificate, error) {
	if !belongs(certs[0], key) {
		e := &Error{File: keyFile, Kind: ErrMismatch, Detail: "certificate " + certFile}
		for i, c := range certs {
			if belongs(c, key) {
				e.Detail = fmt.Sprintf("its certificate is number %d in %s and must be the first", i+1, certFile)
			}
		}
		return tls.Certificate{}, e
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: certs[0]}
	for _, c := range certs {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return pair, nil
}

func belongs(c *x509.Certificate, key crypto.Signer) bool {
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub.Equal(c.PublicKey)
}

// LoadCertificates reads all certificates of a file, in their order; there is
// at least one.
func LoadCertificates(file string) ([]*x509.Certificate, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(data) // the private key may be in the same file
	certs, err := ParseCertificates(data)
	return certs, in(file, err)
}

// LoadPool reads all certificates of a file as those to trust.
func LoadPool(file string) (*x509.CertPool, error) {
	certs, err := LoadCertificates(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// LoadKey reads the first private key of a file.
func LoadKey(file string, password *secret.Bytes) (crypto.Signer, error) {
	data, err := read(file)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(data)
	key, err := ParseKey(data, password)
	return key, in(file, err)
}

// ParseCertificates is LoadCertificates of a file's content.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	blocks := 0
	for b, rest := pem.Decode(data); b != nil; b, rest = pem.Decode(rest) {
		blocks++
		der := b.Bytes
		switch b.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
		case "TRUSTED CERTIFICATE": // openssl's, with its notes on trust behind the certificate
			var first asn1.RawValue
			if _, err := asn1.Unmarshal(der, &first); err == nil {
				der = first.FullBytes
			}
		default:
			secret.Wipe(der)
			continue
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, &Error{Kind: ErrDamaged, Detail: err.Error()}
		}
		certs = append(certs, c)
	}
	switch {
	case blocks == 0:
		return nil, notPEM(data)
	case len(certs) == 0:
		return nil, &Error{Kind: ErrNoCertificate}
	}
	return certs, nil
}

// ParseKey is LoadKey of a file's content.
func ParseKey(data []byte, password *secret.Bytes) (crypto.Signer, error) {
	blocks := 0
	for b, rest := pem.Decode(data); b != nil; b, rest = pem.Decode(rest) {
		blocks++
		if isKey(b.Type) {
			key, err := parseKeyBlock(b, password)
			secret.Wipe(b.Bytes)
			return key, err
		}
	}
	if blocks == 0 {
		return nil, notPEM(data)
	}
	return nil, &Error{Kind: ErrNoKey}
}

// CheckDates returns nil, or an error of kind [ErrNotYetValid] or [ErrExpired]
// that names the date.
func CheckDates(c *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(c.NotBefore):
		return &Error{Kind: ErrNotYetValid, Detail: "valid from " + date(c.NotBefore) + ", this host's clock says " + date(now)}
	case now.After(c.NotAfter):
		return &Error{Kind: ErrExpired, Detail: "valid until " + date(c.NotAfter) + ", this host's clock says " + date(now)}
	}
	return nil
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// notPEM tells what a file without any PEM block seems to be.
func notPEM(data []byte) error {
	e := &Error{Kind: ErrNotPEM}
	switch {
	case len(data) == 0:
		e.Detail = "it is empty"
	case bytes.Contains(data, []byte("-----BEGIN ")):
		e.Detail = "it has a BEGIN line, but no complete block follows"
	case data[0] == 0x30: // an ASN.1 SEQUENCE
		e.Detail = "it seems to be DER or PKCS#12; openssl x509, openssl pkey and openssl pkcs12 convert it"
	}
	return e
}

// read reads a whole file. It takes no pipe or device, on which it could hang.
func read(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fileError(file, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: file, Kind: errNotRegularFile}
	}
	if info.Size() > maxFile {
		return nil, &Error{File: file, Kind: ErrNotPEM, Detail: fmt.Sprintf("it has %d bytes, the most is %d", info.Size(), maxFile)}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fileError(file, err)
	}
	return data, nil
}

// fileError keeps what the operating system said and drops os's "open FILE:".
func fileError(file string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return &Error{File: file, Kind: err}
}

// in puts the file's name into an error of the parsers.
func in(file string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.File = file
	}
	return err
}
