package kmip

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Error is a failed operation: what a server answers, and what a client gets.
// Find it with errors.As, or ask ReasonOf.
//
// Programs decide by Reason, which is one of KMIP 1.x whatever the version spoken. 2.x has
// finer reasons: one stands in Reason2 beside it.
type Error struct {
	Operation Operation // 0 in an answer to an unreadable message
	Status    ResultStatus
	Reason    ResultReason
	Reason2   ResultReason // what 2.x calls it; 0: as the table of reasons2.go says
	Message   string
}

// Error gives "Operation: Reason: message".
func (e *Error) Error() string {
	s := cmp.Or(e.Reason2, e.Reason).String()
	if e.Reason == 0 {
		s = e.Status.String()
	}
	if e.Operation != 0 {
		s = e.Operation.String() + ": " + s
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Errorf returns the failure of an operation for a reason.
func Errorf(reason ResultReason, format string, args ...any) *Error {
	return &Error{Status: StatusOperationFailed, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// In2 sets what 2.x calls the failure, and returns it.
func (e *Error) In2(reason ResultReason) *Error {
	e.Reason2 = reason
	return e
}

// ReasonOf returns the result reason of 1.x that an error stands for: its own, or that
// of a fault in a received message; 0 for any other error.
func ReasonOf(err error) ResultReason {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Reason
	case errors.Is(err, ttlv.ErrField):
		return ReasonInvalidField
	case errors.Is(err, ttlv.ErrFrame), errors.Is(err, ttlv.ErrType):
		return ReasonInvalidMessage
	}
	return 0
}
