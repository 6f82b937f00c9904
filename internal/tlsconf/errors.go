package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Check is one of the checks of a server's certificate.
type Check int

const (
	// CheckTrust failed: the certificate does not chain to the trusted ones.
	CheckTrust Check = iota
	// CheckHostname failed: the certificate is for other names.
	CheckHostname
	// CheckDates failed: it is expired or not valid yet.
	CheckDates
	// CheckUsage failed: it is not a server's certificate, or breaks a
	// constraint of an authority above it.
	CheckUsage
)

// VerifyError is a server certificate that failed a check. All of the
// certificate's values are unproven.
type VerifyError struct {
	Check               Check
	Host                string   // whom the client meant to reach
	Names               []string // DNS names and IP addresses in the certificate
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	Err                 error // crypto/x509's own words

	// Also is a further check that failed, or nil: a user who cures one fault
	// must not be told of the next only then.
	Also *VerifyError

	chain []*x509.Certificate
}

// Error tells the failed check and what the certificate says about it.
func (e *VerifyError) Error() string {
	if e.Also != nil {
		return e.reason() + "; and " + e.Also.Error()
	}
	return e.reason()
}

func (e *VerifyError) reason() string {
	switch e.Check {
	case CheckHostname:
		if len(e.Names) == 0 {
			return fmt.Sprintf("the server's certificate (%s) has no subject alternative name, so none that matches %q", e.Subject, e.Host)
		}
		return fmt.Sprintf("the server's certificate is for %s, not for %q", strings.Join(e.Names, ", "), e.Host)
	case CheckDates:
		return fmt.Sprintf("the server's certificate (%s) is valid from %s to %s: %s",
			e.Subject, e.NotBefore.UTC().Format(time.DateTime+" UTC"), e.NotAfter.UTC().Format(time.DateTime+" UTC"), plain(e.Err))
	case CheckUsage:
		return fmt.Sprintf("the server's certificate (%s) may not be used for a server: %s", e.Subject, plain(e.Err))
	}
	return fmt.Sprintf("the server's certificate (%s) is not trusted, its issuer is %s: %s", e.Subject, e.Issuer, plain(e.Err))
}

// Unwrap gives crypto/x509's error.
func (e *VerifyError) Unwrap() error { return e.Err }

// RefusedError is a fatal alert of the peer: it did not like our certificate,
// or has no version or cipher suite in common with us.
type RefusedError struct {
	Alert string // the alert's text, such as "bad certificate"
	Err   error
}

// Error gives the alert.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the server refused the TLS connection: %s", e.Alert)
}

// Unwrap gives crypto/tls's error.
func (e *RefusedError) Unwrap() error { return e.Err }

// AboutCertificate says whether the alert means the client's certificate,
// rather than versions or cipher suites.
func (e *RefusedError) AboutCertificate() bool {
	return strings.Contains(e.Alert, "certificate") || strings.Contains(e.Alert, "access denied")
}

// ErrNotTLS is a peer that answered, but not in TLS.
var ErrNotTLS = errors.New("the server does not speak TLS on this port")

// ErrClosed is a peer that ended the connection without a word, as servers do
// that dislike a certificate or are about to stop.
var ErrClosed = errors.New("the server closed the connection")

// Explain turns crypto/tls's errors into a [*VerifyError], a [*RefusedError],
// [ErrNotTLS] or [ErrClosed] where they mean that; others, such as timeouts,
// stay as they are. Host is whom the client meant to reach.
func Explain(err error, host string) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(e.UnverifiedCertificates) > 0 {
		return verifyError(e, serverName(host))
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "remote error" {
		return &RefusedError{Alert: strings.TrimPrefix(e.Err.Error(), "tls: "), Err: err}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: %w", ErrNotTLS, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}

func verifyError(err *tls.CertificateVerificationError, host string) *VerifyError {
	cert := err.UnverifiedCertificates[0]
	e := &VerifyError{
		Check: CheckTrust, Host: host, Names: cert.DNSNames, Err: err.Err,
		Subject: cert.Subject.String(), Issuer: cert.Issuer.String(),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, chain: err.UnverifiedCertificates,
	}
	for _, ip := range cert.IPAddresses {
		e.Names = append(e.Names, ip.String())
	}
	if _, ok := errors.AsType[x509.HostnameError](err.Err); ok {
		e.Check = CheckHostname
	} else if invalid, ok := errors.AsType[x509.CertificateInvalidError](err.Err); ok {
		e.Check = CheckUsage
		if invalid.Reason == x509.Expired {
			e.Check = CheckDates
			if invalid.Cert != nil && !invalid.Cert.Equal(cert) { // one above it in the chain
				e.Subject, e.NotBefore, e.NotAfter = invalid.Cert.Subject.String(), invalid.Cert.NotBefore, invalid.Cert.NotAfter
			}
		}
	}
	return e
}

func plain(err error) string { return strings.TrimPrefix(err.Error(), "x509: ") }
