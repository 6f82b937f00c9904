package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// ParseCRL reads a revocation list, in PEM or DER, that ca has signed. old is the present
// one, which a list must not be older than; nil: there is none.
func ParseCRL(data []byte, ca *x509.Certificate, old *x509.RevocationList) (*x509.RevocationList, error) {
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "X509 CRL" {
			return nil, fmt.Errorf("there is a PEM block %q where a revocation list (X509 CRL) should be", block.Type)
		}
		data = block.Bytes
	}
	list, err := x509.ParseRevocationList(data)
	if err != nil {
		return nil, fmt.Errorf("it is no revocation list: %w", err)
	}
	if !bytes.Equal(list.RawIssuer, ca.RawSubject) {
		return nil, fmt.Errorf("the revocation list is of %s, not of %s", list.Issuer, ca.Subject)
	}
	if err := list.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("%s has not signed the revocation list: %w", ca.Subject, err)
	}
	for _, e := range list.Extensions { // what is not understood could say that it covers some certificates only (RFC 5280, 5.2)
		if e.Critical {
			return nil, fmt.Errorf("the revocation list has a critical extension %s, which is not supported. Give the CA's full list", e.Id)
		}
	}
	switch {
	case old == nil:
	case list.Number != nil && old.Number != nil && list.Number.Cmp(old.Number) < 0:
		return nil, fmt.Errorf("the revocation list has the number %s, and the present one %s, which is newer", list.Number, old.Number)
	case list.ThisUpdate.Before(old.ThisUpdate):
		return nil, fmt.Errorf("the revocation list is of %s, and the present one of %s, which is newer",
			list.ThisUpdate.Format(time.RFC3339), old.ThisUpdate.Format(time.RFC3339))
	}
	return list, nil
}

// ErrRevoked: the CA has taken the certificate back.
var ErrRevoked = errors.New("its CA has revoked the certificate")

// CheckRevoked returns ErrRevoked for the serial number of a certificate that is in the list
// of its issuer. A list that is past its end counts still: what it revokes stays so.
func CheckRevoked(serial *big.Int, list *x509.RevocationList) error {
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(serial) == 0 {
			return ErrRevoked
		}
	}
	return nil
}
