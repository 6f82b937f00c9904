package kmipserver

import (
	"context"
	"errors"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// undoes says whether a message is to be done as a whole or not at all. Of one
// operation that holds anyway.
func undoes(m *kmip.RequestMessage) bool {
	return m.Header.Continuation == kmip.BatchUndo && len(m.Items) > 1
}

// carryOutAll carries out all items of a message or none. If one fails, the answers
// to those before it say that they were undone, and those after it get no answer
// (KMIP 1.4, 11.43).
func (s *Server) carryOutAll(ctx context.Context, c *conn, call *Call, request *kmip.RequestMessage, a *answer, limit int) {
	open := true
	end := func(how string, fn func()) {
		open = false
		defer s.logPanic(c, how)
		fn()
	}
	undo := func() { end("at the undoing of a message", func() { s.undoer.Undo(call) }) }
	s.undoer.Begin(call)
	defer func() {
		if open {
			undo()
		}
	}()
	empty := a.size()
	for i := range request.Items {
		last := a.size()
		if s.answerItem(ctx, c, call, &request.Items[i], a, limit, false) {
			continue
		}
		undo()
		a.undone(empty, last, request.Items[:i])
		return
	}
	err := errors.New("internal error") // unless Commit returns
	end("at the commit of a message", func() { err = s.undoer.Commit(ctx, call) })
	if err == nil {
		return
	}
	a.empty(empty)
	for i := range request.Items {
		out := s.failure(c, request.Items[i].Operation, err)
		out.Operation, out.ID = request.Items[i].Operation, request.Items[i].ID
		a.add(&out)
	}
}
