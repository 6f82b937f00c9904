package awskms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// credentialsError marks what went wrong before anything was asked of AWS KMS.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// answerError is an answer of 2xx that makes no sense.
type answerError struct{ err error }

func (e *answerError) Error() string { return "the answer cannot be read: " + e.err.Error() }
func (e *answerError) Unwrap() error { return e.err }

// describe says what an error of the SDK means. Time that ran out is the caller's
// matter: the SDK reports it in many ways.
func describe(err error) *Error {
	e := &Error{Class: Operator, Err: err}
	status := 0
	if re := (*smithyhttp.ResponseError)(nil); errors.As(err, &re) && re.Response != nil {
		status = re.HTTPStatusCode()
	}
	var api smithy.APIError
	var unread *smithy.DeserializationError
	var unclear *answerError
	switch {
	case errors.As(err, &api) && api.ErrorCode() != unknownError:
		e.Code = api.ErrorCode()
		known, ok := codes[e.Code]
		switch {
		case throttling[e.Code]:
			e.Class, known.text = Transient, "too many requests"
		case ok:
			e.Class = known.class
		default:
			e.Class = classOf(status)
		}
		e.Message = textOf(api.ErrorMessage())
		if e.Message == "" || e.Message == unknownError || e.Message == e.Code {
			e.Message = known.text
		}
		if e.Message == "" {
			e.Message = statusText(status)
		}
	case status >= 300: // not even an error's body
		e.Class, e.Message = classOf(status), statusText(status)
	case status >= 200 && !isNetwork(err):
		// Whoever answers so is no AWS KMS, which says nothing about keys.
		e.Class, e.Message = Transient, "the answer is not one of AWS KMS"
	case errors.As(err, &unclear), errors.As(err, &unread):
		e.Class, e.Message = Transient, "the answer could not be read: "+plain(err)
	case isNetwork(err):
		e.Class, e.Message = Transient, plain(err)
	default:
		e.Message = plain(err)
	}
	if failed := (*credentialsError)(nil); errors.As(err, &failed) {
		e.Message = "no credentials: " + e.Message
	}
	return e
}

// unknownError is what the SDK takes for a code where an answer has none.
const unknownError = "UnknownError"

func classOf(status int) Class {
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return Transient
	}
	return Operator
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", status, http.StatusText(status)))
}

// isNetwork says whether an error is about reaching somebody, not about an answer.
func isNetwork(err error) bool {
	var send *smithyhttp.RequestSendError
	var network net.Error
	return errors.As(err, &send) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, new(syscall.Errno)) && !errors.As(err, new(*os.PathError))
}

// isCertificate says whether TLS does not trust who answered: asking again at once does not help.
func isCertificate(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError))
}

// plain is the innermost cause in few words.
func plain(err error) string {
	var dns *net.DNSError
	var verify *tls.CertificateVerificationError
	var proxy *proxyError
	var alert tls.AlertError
	var path *os.PathError
	var script *processcreds.ProviderError
	var errno syscall.Errno
	switch {
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &script):
		// Its text may have the program's output in it, and that the secret access key.
		return "the credential_process of the AWS profile failed"
	case errors.As(err, &dns):
		return "the host's name cannot be found: " + dns.Err
	case errors.As(err, &verify):
		return "its certificate is not trusted: " + certificateText(verify)
	case errors.As(err, &alert):
		return "TLS: " + alert.Error()
	case errors.As(err, &path):
		return path.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "the time ran out"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return textOf(err.Error())
		}
		err = inner
	}
}

func certificateText(verify *tls.CertificateVerificationError) string {
	if errors.As(verify.Err, new(x509.UnknownAuthorityError)) {
		return "signed by an unknown authority"
	}
	return textOf(strings.TrimPrefix(verify.Err.Error(), "x509: "))
}

// textOf is the first line of what somebody else has written, in a length for logs.
// After the first line, AWS shows the headers of a request whose signature is wrong.
func textOf(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if runes := []rune(s); len(runes) > 1000 {
		s = string(runes[:1000]) + "..."
	}
	return strings.TrimSpace(s)
}

// seconds is a duration for people.
func seconds(d time.Duration) string {
	if d >= time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Millisecond).String()
}
