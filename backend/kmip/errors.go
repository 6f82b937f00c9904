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
	"time"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// kindOf is the border between KMIP and the keyring: what a server's refusal
// means. What is not here is ErrUnreachable, and nothing is ErrNotFound: only who
// asked for an object knows whether Item Not Found says that there is no key.
var kindOf = map[kmip.ResultReason]error{
	kmip.ReasonAuthenticationNotSuccessful:      keyring.ErrDenied,
	kmip.ReasonPermissionDenied:                 keyring.ErrDenied,
	kmip.ReasonAttestationRequired:              keyring.ErrDenied,
	kmip.ReasonAttestationFailed:                keyring.ErrDenied,
	kmip.ReasonSensitive:                        keyring.ErrDenied,
	kmip.ReasonNotExtractable:                   keyring.ErrDenied,
	kmip.ReasonKeyValueNotPresent:               keyring.ErrDenied,
	kmip.ReasonObjectArchived:                   keyring.ErrInactive,
	kmip.ReasonIllegalOperation:                 keyring.ErrInactive,
	kmip.ReasonObjectAlreadyExists:              keyring.ErrExists,
	kmip.ReasonInvalidField:                     keyring.ErrInvalid,
	kmip.ReasonMissingData:                      keyring.ErrInvalid,
	kmip.ReasonOperationNotSupported:            keyring.ErrInvalid,
	kmip.ReasonFeatureNotSupported:              keyring.ErrInvalid,
	kmip.ReasonKeyFormatTypeNotSupported:        keyring.ErrInvalid,
	kmip.ReasonKeyCompressionTypeNotSupported:   keyring.ErrInvalid,
	kmip.ReasonApplicationNamespaceNotSupported: keyring.ErrInvalid,
	kmip.ReasonCryptographicFailure:             keyring.ErrCorrupt,
	kmip.ReasonEncodingOptionError:              keyring.ErrCorrupt,
}

// cureOf is advice about refusals. It names no option: none would help.
var cureOf = map[kmip.ResultReason]string{
	kmip.ReasonAuthenticationNotSuccessful: "Have the client certificate accepted by the key server.",
	kmip.ReasonPermissionDenied:            "Have the key server's administrator allow this client the operation.",
	kmip.ReasonObjectArchived:              "Have the key server's administrator recover the object.",
	kmip.ReasonInvalidMessage:              "Look into the key server's log.",
	kmip.ReasonGeneralFailure:              "Look into the key server's log.",
}

func kindOfRefusal(err error) error {
	if kind, ok := kindOf[kmip.ReasonOf(err)]; ok {
		return kind
	}
	return keyring.ErrUnreachable
}

// optionError is a fault of the options, found when they are used.
type optionError struct{ err error }

func (e *optionError) Error() string { return "the connection cannot be set up: " + e.err.Error() }
func (e *optionError) Unwrap() error { return e.err }

// StartTimeoutError is a load of all keys that took longer than
// Options.StartTimeout.
type StartTimeoutError struct {
	Limit time.Duration
	Err   error // what was under way
}

func (e *StartTimeoutError) Error() string {
	return fmt.Sprintf("the keys were not read within %v: %v", e.Limit, e.Err)
}

// Unwrap gives what was under way.
func (e *StartTimeoutError) Unwrap() error { return e.Err }

// inactiveError is the cause of ErrInactive.
type inactiveError struct {
	uid   string
	state kmip.State
}

func (e inactiveError) Error() string {
	return fmt.Sprintf("its object %s on the key server is %s. It cannot be activated again: allow the use of such keys, then rotate the key.", e.uid, e.state)
}

// message is a cause in a user's words: what happened (where): cause. Cure.
type message struct {
	text string
	err  error
}

func (m *message) Error() string { return m.text }
func (m *message) Unwrap() error { return m.err }

// fault makes the error of an operation out of whatever went wrong.
func (r *Keyring) fault(op string, id keyring.ID, err error) error {
	var (
		option  *optionError
		refusal *kmip.Error
		network *kmipclient.Error
		many    errTooMany
		slow    *StartTimeoutError
		absent  *kmipclient.AbsentError
		other   *kmipclient.AnswerError
		worded  *message
	)
	switch {
	case errors.Is(err, keyring.ErrExists):
		return keyring.E(op, id, keyring.ErrExists, nil)
	case errors.As(err, &option), errors.As(err, &many):
		return keyring.E(op, id, keyring.ErrInvalid, r.advised(err.Error(), err))
	case errors.As(err, &slow):
		return keyring.E(op, id, keyring.ErrUnreachable, r.advised(fmt.Sprintf("the keys were not read in time (%s): %v were not enough", strings.Join(r.o.Servers, ", "), slow.Limit), err))
	case errors.As(err, &worded):
		return keyring.E(op, id, kindOfRefusal(err), worded)
	case errors.As(err, &refusal):
		kind := kindOfRefusal(refusal)
		where := r.where()
		if errors.As(err, &other) {
			where = other.Server
		}
		text := "the key server refused (" + where + "): " + refusal.Error()
		if cure := cureOf[refusal.Reason]; cure != "" {
			return keyring.E(op, id, kind, &message{text + ". " + cure, err})
		}
		return keyring.E(op, id, kind, r.advised(text, err))
	case errors.As(err, &absent):
		texts, cures, causes := r.failures(absent.Silent)
		return keyring.E(op, id, keyring.ErrUnreachable, &message{sentences("the key servers that answered do not have the key, and one that may have it did not answer: "+texts, cures), errors.Join(append(causes, err)...)})
	case errors.As(err, &network):
		return r.networkFault(op, id, network)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return keyring.E(op, id, keyring.ErrUnreachable, fmt.Errorf("it took too long, or was given up: %w", err))
	}
	return keyring.E(op, id, keyring.ErrUnreachable, err)
}

// where is the server that answered last.
func (r *Keyring) where() string {
	if c := r.connection(); c != nil && c.Status().Server != "" {
		return c.Status().Server
	}
	return strings.Join(r.o.Servers, ", ")
}

// advised adds the configuration's cure.
func (r *Keyring) advised(text string, err error) error {
	if r.o.Cure != nil {
		if cure := r.o.Cure(err); cure != "" {
			text += ". " + cure
		}
	}
	return &message{text, err}
}

// networkFault words what went wrong with each server. It is ErrDenied only if
// every server refused this client, not if we refused the server.
func (r *Keyring) networkFault(op string, id keyring.ID, e *kmipclient.Error) error {
	kind := keyring.ErrDenied
	for _, s := range e.Servers {
		var refused *tlsconf.RefusedError
		if !errors.As(explain(s), &refused) || !refused.AboutCertificate() {
			kind = keyring.ErrUnreachable
		}
	}
	text, cures, causes := r.failures(e.Servers)
	if e.Sent {
		text += "; the change may or may not have been made"
	}
	return keyring.E(op, id, kind, &message{sentences(text, cures), errors.Join(append([]error{e}, causes...)...)})
}

// failures words what went wrong with servers, and says what to do about it.
func (r *Keyring) failures(servers []*kmipclient.ServerError) (text string, cures []string, causes []error) {
	for _, s := range servers {
		cause := explain(s)
		causes = append(causes, cause)
		if r.o.Cure != nil {
			if cure := r.o.Cure(cause); cure != "" && !slices.Contains(cures, cure) {
				cures = append(cures, cure)
			}
		}
	}
	text = kmipclient.Summary(servers,
		func(s *kmipclient.ServerError) string {
			return fmt.Sprintf("%s (%s): %s", happened(s.Phase), s.Server, plain(explain(s)))
		},
		func(s *kmipclient.ServerError) string { return happened(s.Phase) + ": " + plain(explain(s)) })
	return text, cures, causes
}

// sentences adds cures to what happened.
func sentences(text string, cures []string) string {
	if len(cures) > 0 {
		text += ". " + strings.Join(cures, " ")
	}
	return text
}

// cutOff says whether a server that could be reached ended the connection.
func cutOff(err error) bool {
	var network *kmipclient.Error
	if !errors.As(err, &network) {
		return false
	}
	return slices.ContainsFunc(network.Servers, func(s *kmipclient.ServerError) bool {
		return (s.Phase == kmipclient.PhaseSend || s.Phase == kmipclient.PhaseReceive) &&
			(errors.Is(s.Err, io.EOF) || errors.Is(s.Err, io.ErrUnexpectedEOF) || errors.Is(s.Err, syscall.ECONNRESET) || errors.Is(s.Err, syscall.EPIPE))
	})
}

// happened says what an exchange had come to.
func happened(p kmipclient.Phase) string {
	switch p {
	case kmipclient.PhaseWait:
		return "waited too long for other calls to the key server"
	case kmipclient.PhaseResolve:
		return "cannot find the key server"
	case kmipclient.PhaseConnect:
		return "cannot connect to the key server"
	case kmipclient.PhaseHandshake:
		return "cannot make a TLS connection with the key server"
	case kmipclient.PhaseVersion:
		return "cannot agree on a KMIP version with the key server"
	}
	return "no answer from the key server"
}

// explain gives the cause in the words of tlsconf where it is one of TLS.
func explain(s *kmipclient.ServerError) error {
	if s.Phase != kmipclient.PhaseHandshake || errors.Is(s.Err, tlsconf.ErrNotTLS) || errors.Is(s.Err, tlsconf.ErrClosed) {
		return s.Err
	}
	host, _, _ := net.SplitHostPort(s.Server)
	return tlsconf.Explain(s.Err, host)
}

// plain is a cause without what the sentence around it says already.
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
	case errors.Is(err, kmipclient.ErrNotKMIP):
		return "it speaks TLS, but not KMIP"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "the time ran out"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &op) && op.Op == "dial":
		return op.Err.Error()
	}
	return err.Error()
}
