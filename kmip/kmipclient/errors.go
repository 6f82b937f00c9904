package kmipclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
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

	early bool // it failed before the caller's request was sent
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

// Error is an exchange in which no server answered.
type Error struct {
	// Servers are the failures in the order of the attempts; never empty.
	Servers []*ServerError
	// Sent says that the last server may have acted on the request.
	Sent bool
}

// Error gives all failures.
func (e *Error) Error() string {
	parts := make([]string, len(e.Servers))
	for i, s := range e.Servers {
		parts[i] = s.Error()
	}
	all := strings.Join(parts, "; ")
	if e.Sent {
		return fmt.Sprintf("%s (%s)", all, ErrOutcomeUnknown)
	}
	return all
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
