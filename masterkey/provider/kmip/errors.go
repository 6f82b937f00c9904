package kmip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// kindOf is what a server's refusal means; what is not here is ErrUnreachable. Item Not
// Found is the word of one server, and no kind of its own: see everywhere.
var kindOf = map[kmip.ResultReason]error{
	kmip.ReasonAuthenticationNotSuccessful: keyring.ErrDenied,
	kmip.ReasonPermissionDenied:            keyring.ErrDenied,
	kmip.ReasonAttestationRequired:         keyring.ErrDenied,
	kmip.ReasonAttestationFailed:           keyring.ErrDenied,
	kmip.ReasonSensitive:                   keyring.ErrDenied,
	kmip.ReasonNotExtractable:              keyring.ErrDenied,
	kmip.ReasonKeyValueNotPresent:          keyring.ErrDenied,
	kmip.ReasonIllegalOperation:            keyring.ErrInactive,
	kmip.ReasonObjectArchived:              keyring.ErrInactive,
	kmip.ReasonInvalidField:                keyring.ErrInvalid,
	kmip.ReasonMissingData:                 keyring.ErrInvalid,
	kmip.ReasonOperationNotSupported:       keyring.ErrInvalid,
	kmip.ReasonFeatureNotSupported:         keyring.ErrInvalid,
}

// message is a cause in words for people: what happened (where): cause. Cure.
type message struct {
	text string
	err  error
}

func (m *message) Error() string { return m.text }
func (m *message) Unwrap() error { return m.err }

// fault makes the error of an operation.
func (p *Provider) fault(op string, err error) error {
	var (
		done    *keyring.Error
		absent  *kmipclient.AbsentError
		other   *kmipclient.AnswerError
		network *kmipclient.Error
		refused *kmip.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &done):
		return err
	case errors.As(err, &absent):
		if len(absent.Silent) == 0 {
			return keyring.E(op, keyring.ID{}, keyring.ErrNotFound, &message{"no key server has it", err})
		}
		// Who asks for an identifier has it from somewhere: the server that made the key
		// may be the one that is silent, and an outage is never "not found".
		silent, cures := p.failures(absent.Silent)
		return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, &message{sentences("no key server that answered has it, and not all did: "+silent, cures), err})
	case errors.As(err, &network):
		return p.networkFault(op, network)
	case errors.As(err, &refused):
		where := p.client.Status().Server
		if errors.As(err, &other) {
			where = other.Server
		}
		kind := kindOf[refused.Reason]
		if kind == nil {
			kind = keyring.ErrUnreachable
		}
		return keyring.E(op, keyring.ID{}, kind, &message{"the key server refused (" + where + "): " + refused.Error(), err})
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, fmt.Errorf("it took too long, or was given up: %w", err))
	}
	return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, err)
}

// networkFault is that no server answered. It is ErrDenied only if every server refused
// this client, not if we refused the server.
func (p *Provider) networkFault(op string, e *kmipclient.Error) error {
	kind := keyring.ErrDenied
	for _, s := range e.Servers {
		var refused *tlsconf.RefusedError
		if !errors.As(explained(s), &refused) || !refused.AboutCertificate() {
			kind = keyring.ErrUnreachable
		}
	}
	text, cures := p.failures(e.Servers)
	if e.Sent {
		text += "; the change may or may not have been made"
	}
	return keyring.E(op, keyring.ID{}, kind, &message{sentences(text, cures), e})
}

// failures words what went wrong with each server, and says what to do about it.
func (p *Provider) failures(servers []*kmipclient.ServerError) (text string, cures []string) {
	for _, s := range servers {
		if p.o.Cure == nil {
			break
		}
		if cure := p.o.Cure(explained(s)); cure != "" && !slices.Contains(cures, cure) {
			cures = append(cures, cure)
		}
	}
	text = kmipclient.Summary(servers,
		func(s *kmipclient.ServerError) string {
			return fmt.Sprintf("%s %s: %s", s.Phase, s.Server, plain(explained(s)))
		},
		func(s *kmipclient.ServerError) string { return s.Phase.String() })
	return text, cures
}

// sentences adds cures to what happened.
func sentences(text string, cures []string) string {
	if len(cures) > 0 {
		text = strings.TrimSuffix(text, ".") + ". " + strings.Join(cures, " ")
	}
	return text
}

// explained is the cause in the words of tlsconf where it is one of TLS: in TLS 1.3 a
// server refuses our certificate only with its first answer.
func explained(s *kmipclient.ServerError) error {
	if s.Phase < kmipclient.PhaseHandshake || errors.Is(s.Err, tlsconf.ErrNotTLS) || errors.Is(s.Err, tlsconf.ErrClosed) {
		return s.Err
	}
	host, _, _ := net.SplitHostPort(s.Server)
	return tlsconf.Explain(s.Err, host)
}

// plain is a cause without what the text around it says already.
func plain(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, tlsconf.ErrNotTLS):
		return tlsconf.ErrNotTLS.Error()
	case errors.Is(err, tlsconf.ErrClosed):
		return tlsconf.ErrClosed.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "it closed the connection"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &op):
		return strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return err.Error()
}
