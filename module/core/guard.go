package main

/*
#include <stdlib.h>
#include "dbkeyring.h"
typedef const char in_string;

static void call_log(dbk_log_fn log, void *context, int severity, in_string *line) {
  log(context, severity, line);
}
*/
import "C"

import (
	"log/slog"
	"math"
	"unsafe"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// guard is the last line of defence: package bridge recovers by itself and
// marks its instance, so what arrives here is a fault on the border.
func guard(rc *C.int) {
	if v := recover(); v != nil {
		*rc = C.DBK_BROKEN
	}
}

// text copies a C string; NULL is "".
func text(s *C.in_string) string { return C.GoString((*C.char)(s)) }

func keyID(id, owner *C.in_string) keyring.ID {
	return keyring.ID{Name: text(id), Owner: text(owner)}
}

// buffer is the caller's memory as a slice, for the time of the call; NULL is empty.
func buffer[T any](p *T, size C.size_t) []byte {
	if p == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), length(size))
}

// length is a size as an int; one that no int holds becomes too large for anything.
func length(n C.size_t) int { return int(min(uint64(n), math.MaxInt32)) }

// emitter makes log lines into calls of the host's function.
func emitter(log C.dbk_log_fn, context unsafe.Pointer) bridge.Emit {
	return func(l hostlog.Line) {
		if log == nil {
			return
		}
		severity := C.int(C.DBK_NOTE)
		switch {
		case l.Level >= slog.LevelError:
			severity = C.DBK_ERROR
		case l.Level >= slog.LevelWarn:
			severity = C.DBK_WARNING
		}
		line := C.CString(l.Text)
		defer C.free(unsafe.Pointer(line))
		C.call_log(log, context, severity, line)
	}
}
