package kmip

import (
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Error is a failed operation: what a server answers, and what a client gets.
// Find it with errors.As, or ask ReasonOf.
type Error struct {
	Operation Operation // 0 in an answer to an unreadable message
	Status    ResultStatus
	Reason    ResultReason
	Message   string
}

// Error gives "Operation: Reason: message".
func (e *Error) Error() string {
	s := e.Reason.String()
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

// ReasonOf returns the result reason that an error stands for: its own, or that
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
