package kmipclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// Phase says how far an exchange with a server had come when it failed.
type Phase int

const (
	// PhaseWait: another call held the connection all the time.
	PhaseWait Phase = iota
	// PhaseResolve: the host name has no address, or nobody could say.
	PhaseResolve
	// PhaseConnect: no address of the host took a TCP connection.
	PhaseConnect
	// PhaseHandshake: the peer took the connection, and there was no TLS session.
	PhaseHandshake
	// PhaseSend: the request was not sent as a whole, so nobody can have acted on it.
	PhaseSend
	// PhaseReceive: the request was sent, and no usable answer came.
	PhaseReceive
	// PhaseVersion: the server answered, and there is no common protocol version.
	PhaseVersion
)

var phases = [...]string{"wait for the connection to", "resolve the name of", "connect to", "TLS handshake with", "send to", "receive from", "agree on a protocol version with"}

// String gives words that a server's name can follow.
func (p Phase) String() string { return phases[p] }

var (
	// ErrNotKMIP: the peer speaks TLS, and what it says is not KMIP.
	ErrNotKMIP = errors.New("the answer is not a KMIP message")
	// ErrTooLarge: an answer is longer than Options.MaxResponse.
	ErrTooLarge = errors.New("the answer is too long")
	// ErrMismatch: the answer belongs to another request, or to none.
	ErrMismatch = errors.New("the answer does not fit the request")
	// ErrNoCommonVersion: the server speaks no version that we may speak.
	ErrNoCommonVersion = errors.New("there is no common protocol version")
	// ErrOutcomeUnknown: a request that changes something was sent, and no answer
	// came. It may have been carried out.
	ErrOutcomeUnknown = errors.New("it is not known whether the server carried out the request")
)

// ServerError is what went wrong with one server.
type ServerError struct {
	Server string // as in Options.Servers
	Phase  Phase
	Err    error
}

// Error gives "phase server: cause".
func (e *ServerError) Error() string { return e.Phase.String() + " " + e.Server + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *ServerError) Unwrap() error { return e.Err }

// Timeout says whether the time ran out.
func (e *ServerError) Timeout() bool {
	var n net.Error
	return errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, os.ErrDeadlineExceeded) ||
		errors.As(e.Err, &n) && n.Timeout()
}

// cause is what went wrong without the places where it did, to count it by.
func (e *ServerError) cause() string {
	var dns *net.DNSError
	var errno syscall.Errno
	switch {
	case e.Timeout():
		return "the time ran out"
	case errors.As(e.Err, &dns):
		return dns.Err
	case errors.As(e.Err, &errno):
		return errno.Error()
	}
	return e.Err.Error()
}

// Error is an exchange in which no server answered.
type Error struct {
	// Servers are the failures in the order of the attempts; never empty.
	Servers []*ServerError
	// Sent says that the last server may have acted on the request.
	Sent bool
}

// Error gives all failures; of many, the first ones and how often each cause is
// among the rest.
func (e *Error) Error() string {
	all := Summary(e.Servers, (*ServerError).Error, func(s *ServerError) string { return s.Phase.String() + ": " + s.cause() })
	if e.Sent {
		return fmt.Sprintf("%s (%s)", all, ErrOutcomeUnknown)
	}
	return all
}

// Summary words failures for people: each by tell or, if there are many, the first
// ones so and the others counted by their kind.
func Summary(servers []*ServerError, tell, kind func(*ServerError) string) string {
	const few = 4
	told := servers
	if len(servers) > few {
		told = servers[:few-1]
	}
	var parts []string
	for _, s := range told {
		parts = append(parts, tell(s))
	}
	if rest := servers[len(told):]; len(rest) > 0 {
		count := map[string]int{}
		var kinds []string
		for _, s := range rest {
			k := kind(s)
			if count[k]++; count[k] == 1 {
				kinds = append(kinds, k)
			}
		}
		slices.SortStableFunc(kinds, func(a, b string) int { return count[b] - count[a] })
		for i, k := range kinds {
			if i == few-1 && len(kinds) > few {
				kinds = append(kinds[:i], "and other causes")
				break
			}
			kinds[i] = fmt.Sprintf("%s (%d times)", k, count[k])
			if count[k] == 1 {
				kinds[i] = k
			}
		}
		parts = append(parts, fmt.Sprintf("and %d more servers: %s", len(rest), strings.Join(kinds, ", ")))
	}
	return strings.Join(parts, "; ")
}

// Unwrap gives the failures, and ErrOutcomeUnknown where that is so.
func (e *Error) Unwrap() []error {
	all := make([]error, 0, len(e.Servers)+1)
	for _, s := range e.Servers {
		all = append(all, s)
	}
	if e.Sent {
		all = append(all, ErrOutcomeUnknown)
	}
	return all
}
