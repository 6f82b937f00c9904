package pemkey

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/dbkeyring/dbkeyring/secret"
)

// The PEM labels of private keys (RFC 7468, 10 and 11; RFC 5915, 4; openssl).
const (
	labelPKCS1          = "RSA PRIVATE KEY"
	labelSEC1           = "EC PRIVATE KEY"
	labelPKCS8          = "PRIVATE KEY"
	labelEncryptedPKCS8 = "ENCRYPTED PRIVATE KEY"
)

// isKey also takes kinds that are not read, such as OPENSSH PRIVATE KEY: "not
// supported" helps more than "no key".
func isKey(label string) bool { return strings.HasSuffix(label, "PRIVATE KEY") }

func parseKeyBlock(b *pem.Block, password *secret.Bytes) (crypto.Signer, error) {
	switch b.Type {
	case labelEncryptedPKCS8:
		if password.Len() == 0 {
			return nil, &Error{Kind: ErrNoPassword}
		}
		der, err := decryptPKCS8(b.Bytes, password.Reveal(), maxIterations)
		if err != nil {
			return nil, err
		}
		return parseDecrypted(labelPKCS8, der)
	case labelPKCS1, labelSEC1, labelPKCS8:
		if b.Headers["DEK-Info"] == "" {
			return parseDER(b.Type, b.Bytes)
		}
		if password.Len() == 0 {
			return nil, &Error{Kind: ErrNoPassword}
		}
		der, err := decryptDEKInfo(b, password.Reveal())
		if err != nil {
			return nil, err
		}
		return parseDecrypted(b.Type, der)
	}
	return nil, &Error{Kind: ErrUnsupported, Detail: "its label is " + b.Type + "; openssl pkey converts it"}
}

// parseDecrypted parses and wipes der. A wrong password goes unnoticed by the
// padding once in 256 times, so what does not parse is taken for that.
func parseDecrypted(label string, der []byte) (crypto.Signer, error) {
	defer secret.Wipe(der)
	key, err := parseDER(label, der)
	if errors.Is(err, ErrDamaged) {
		return nil, &Error{Kind: ErrWrongPassword}
	}
	return key, err
}

func parseDER(label string, der []byte) (crypto.Signer, error) {
	var key any
	var err error
	switch label {
	case labelPKCS1:
		key, err = x509.ParsePKCS1PrivateKey(der)
	case labelSEC1:
		key, err = x509.ParseECPrivateKey(der)
	default:
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		// x509's text may tell lengths and algorithms, never content.
		return nil, &Error{Kind: ErrDamaged, Detail: strings.TrimPrefix(err.Error(), "x509: ")}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, &Error{Kind: ErrUnsupported, Detail: "it is for key agreement and cannot sign"}
	}
	return signer, nil
}

// decryptDEKInfo opens the encryption of openssl's traditional form. The form
// is weak (one round of MD5) and deprecated; users' files have it all the same.
func decryptDEKInfo(b *pem.Block, password []byte) ([]byte, error) {
	der, err := x509.DecryptPEMBlock(b, password) //nolint:staticcheck // SA1019: reading, not writing
	switch {
	case err == nil:
		return der, nil
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, &Error{Kind: ErrWrongPassword}
	case strings.Contains(err.Error(), "unknown encryption mode"):
		mode, _, _ := strings.Cut(b.Headers["DEK-Info"], ",")
		return nil, &Error{Kind: ErrUnsupported, Detail: "DEK-Info " + mode + "; openssl pkcs8 -topk8 -v2 aes-256-cbc converts it"}
	}
	return nil, &Error{Kind: ErrDamaged, Detail: strings.TrimPrefix(err.Error(), "x509: ")}
}
