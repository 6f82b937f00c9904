package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ParseForeignCA reads the PEM text of another CA's certificates, which may sign those of
// endpoints. own is our CA, which is none of them.
func ParseForeignCA(text []byte, own *x509.Certificate, now time.Time) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, errors.New("there is a private key in it. Give the CA's certificate alone")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("there is a PEM block %q in it. Only certificates belong there", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if err := checkForeignCA(cert, own, now); err != nil {
			return nil, fmt.Errorf("%s: %w", cert.Subject, err)
		}
		for _, other := range all {
			if other.Equal(cert) {
				return nil, fmt.Errorf("%s is in it twice", cert.Subject)
			}
		}
		all = append(all, cert)
	}
	if all == nil {
		return nil, errors.New("there is no certificate in PEM in it")
	}
	return all, nil
}

func checkForeignCA(cert, own *x509.Certificate, now time.Time) error {
	switch {
	case !cert.BasicConstraintsValid || !cert.IsCA:
		return errors.New("it is not the certificate of a CA")
	case cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("its key usage does not let it sign certificates (keyCertSign)")
	case bytes.Equal(cert.RawSubjectPublicKeyInfo, own.RawSubjectPublicKeyInfo): // renewed ones, too
		return errors.New("it is this key server's own CA, which is trusted already")
	case now.After(cert.NotAfter):
		return fmt.Errorf("it expired on %s", cert.NotAfter.Format(time.RFC3339))
	case now.Before(cert.NotBefore):
		return fmt.Errorf("it is not valid before %s", cert.NotBefore.Format(time.RFC3339))
	}
	return nil
}
