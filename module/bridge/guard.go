package bridge

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// panicError is a panic that was caught: where it happened, never with
// arguments, and what it said if the Go runtime said it. Any other value could
// carry anything, so only its type is told.
type panicError struct{ what, where string }

func (p *panicError) Error() string { return p.what + " (" + p.where + ")" }

func isPanic(err error) bool {
	_, ok := errors.AsType[*panicError](err)
	return ok
}

// catch turns a panic of the calling function into its error.
func catch(err *error) {
	if v := recover(); v != nil {
		*err = newPanicError(v)
	}
}

func newPanicError(v any) *panicError {
	what := fmt.Sprintf("panic with a %T", v)
	switch v := v.(type) {
	case runtime.Error:
		what = v.Error()
	case injected:
		what = string(v)
	}
	return &panicError{what, callers()}
}

// callers lists the innermost functions of this stack, without the runtime's.
func callers() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs)])
	var out []string
	for {
		f, more := frames.Next()
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			out = append(out, fmt.Sprintf("%s:%d", path.Base(f.Function), f.Line))
		}
		if !more || len(out) == 6 {
			return strings.Join(out, " < ")
		}
	}
}

func protect(f func() error) (err error) {
	defer catch(&err)
	return f()
}

// spawn starts a goroutine that cannot end the host: a panic in it breaks the
// current state and is logged.
func (in *instance) spawn(f func()) {
	go func() {
		err := protect(func() error { f(); return nil })
		if err == nil {
			return
		}
		if st := in.current.Load(); st != nil {
			st.broken.Store(true)
		}
		in.log.Error("A fault in a background task of dbkeyring, please report it: " + err.Error())
	}()
}

// injected is the value of a panic that a test build makes on purpose.
type injected string
