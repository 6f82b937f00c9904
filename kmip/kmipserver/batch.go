package kmipserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// maxSkew is the difference of clocks that is worth a word in the log. A request
// is never refused for it (KMIP 1.4, 6.5 leaves that to the server): hosts with
// wrong clocks need their keys, too.
const maxSkew = time.Minute

// smallItem is more than the answer to any operation that changes something
// takes in bytes, and than most failures.
const smallItem = 256

// respond carries out the request in frame.
func (s *Server) respond(ctx context.Context, c *conn, frame []byte) *buffer {
	request, err := kmip.DecodeRequest(frame, s.o.Limits)
	defer request.Wipe()
	version := request.Header.Version
	if version == (kmip.Version{}) {
		version = peekVersion(frame)
	}
	if err != nil {
		return s.unreadable(c, version, err)
	}
	if !s.speaks(version) {
		return s.unreadable(c, version, kmip.Errorf(kmip.ReasonInvalidMessage, "this server does not speak KMIP %s", version).In2(kmip.ReasonUnsupportedProtocolVersion))
	}
	h := &request.Header
	if skew := time.Since(h.TimeStamp); !h.TimeStamp.IsZero() && skew.Abs() > maxSkew && !c.skewTold {
		c.skewTold = true
		s.log.Warn("the clocks of a client and of this server differ", "from", c.peer.Address, "seconds", int(skew.Seconds()))
	}
	a := begin(version, h.ClientCorrelation)
	if err := s.refuse(request); err != nil {
		s.refused(c, version, err)
		out := failed(err)
		a.add(&out)
	} else {
		s.carryOut(ctx, c, request, a)
	}
	return a.end()
}

// refuse says what a request as a whole asks for in vain.
func (s *Server) refuse(m *kmip.RequestMessage) *kmip.Error {
	switch h := &m.Header; {
	case h.Asynchronous:
		return kmip.Errorf(kmip.ReasonFeatureNotSupported, "asynchronous operations are not supported")
	case undoes(m) && s.undoer == nil:
		return kmip.Errorf(kmip.ReasonFeatureNotSupported, "the Batch Error Continuation Option Undo is not supported")
	case h.Continuation > kmip.BatchUndo:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Batch Error Continuation Option %s is unknown", h.Continuation)
	case h.MaximumResponseSize < 0:
		return kmip.Errorf(kmip.ReasonInvalidField, "the Maximum Response Size is %d", h.MaximumResponseSize)
	}
	return nil
}

// carryOut answers the items one by one, within the size that the client and the
// server allow.
func (s *Server) carryOut(ctx context.Context, c *conn, request *kmip.RequestMessage, a *answer) {
	h := &request.Header
	limit := s.o.MaxResponseSize
	if h.MaximumResponseSize > 0 {
		limit = min(limit, int(h.MaximumResponseSize))
	}
	call := Call{Peer: c.peer, Version: h.Version}
	defer s.finish(c, &call)
	if undoes(request) {
		s.carryOutAll(ctx, c, &call, request, a, limit)
		return
	}
	for i := range request.Items {
		in := &request.Items[i]
		if !s.answerItem(ctx, c, &call, in, a, limit, changes(in.Operation)) && h.Continuation != kmip.BatchContinue {
			return
		}
	}
}

// answerItem carries out an item and adds its answer, which stands in any case if
// it is final. It returns false if the item failed.
func (s *Server) answerItem(ctx context.Context, c *conn, call *Call, in *kmip.RequestItem, a *answer, limit int, final bool) bool {
	out := kmip.ResponseItem{}
	if changes(in.Operation) && limit-a.size() < smallItem {
		err := tooLarge(limit) // what was done has to be told: so it is not done
		s.tell(c, call, in.Operation, err)
		out = failed(err)
	} else {
		out = s.carryOutItem(ctx, c, call, in)
	}
	out.Operation, out.ID = in.Operation, in.ID
	before := a.size()
	a.add(&out)
	if a.size() > limit && out.Status == kmip.StatusSuccess && !final {
		a.takeBack(before)
		out = failed(tooLarge(limit))
		out.Operation, out.ID = in.Operation, in.ID
		a.add(&out)
	}
	return out.Status == kmip.StatusSuccess
}

func (s *Server) carryOutItem(ctx context.Context, c *conn, call *Call, in *kmip.RequestItem) kmip.ResponseItem {
	if in.Err != nil {
		s.tell(c, call, in.Operation, in.Err)
		return s.failure(c, in.Operation, in.Err)
	}
	payload, err := s.handle(ctx, c, call, in.Payload)
	if err != nil {
		return s.failure(c, in.Operation, err)
	}
	return kmip.ResponseItem{Payload: payload}
}

func tooLarge(limit int) *kmip.Error {
	return kmip.Errorf(kmip.ReasonResponseTooLarge, "the response would be larger than %d bytes", limit)
}

// finish ends a message. What was done stays done: a panic is for the log.
func (s *Server) finish(c *conn, call *Call) {
	defer s.logPanic(c, "at the end of a message")
	s.o.Handler.Finish(call)
}

// tell tells the handler of a refusal.
func (s *Server) tell(c *conn, call *Call, op kmip.Operation, err error) {
	defer s.logPanic(c, "over a refusal")
	s.o.Handler.Refused(call, op, err)
}

// refused tells the handler of a message that is refused as a whole.
func (s *Server) refused(c *conn, version kmip.Version, err error) {
	call := Call{Peer: c.peer, Version: version}
	s.tell(c, &call, 0, err)
	s.finish(c, &call)
}

func (s *Server) logPanic(c *conn, when string) {
	if r := recover(); r != nil {
		s.log.Error("a fault of this program "+when, "from", c.peer.Address, "panic", r, "stack", string(debug.Stack()))
	}
}

// handle carries out one operation. A panic fails that operation only.
func (s *Server) handle(ctx context.Context, c *conn, call *Call, request kmip.Payload) (p kmip.Payload, err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("a fault of this program failed an operation", "operation", request.Operation(), "from", c.peer.Address,
				"panic", r, "stack", string(debug.Stack()))
			p, err = nil, kmip.Errorf(kmip.ReasonGeneralFailure, "internal error")
		}
	}()
	p, err = s.o.Handler.Handle(ctx, call, request)
	if err == nil && p == nil {
		err = fmt.Errorf("the handler of %s returned nothing", request.Operation())
	}
	return p, err
}

// failure is the answer to an item that failed. Only what was meant for the
// client gets there.
func (s *Server) failure(c *conn, op kmip.Operation, err error) kmip.ResponseItem {
	var told *kmip.Error
	if errors.As(err, &told) {
		return failed(told)
	}
	if reason := kmip.ReasonOf(err); reason != 0 { // a fault in the request itself
		return failed(kmip.Errorf(reason, "%v", err))
	}
	s.log.Error("an operation failed", "operation", op, "from", c.peer.Address, "error", err)
	return failed(kmip.Errorf(kmip.ReasonGeneralFailure, "internal error; the key server's log says more"))
}

func failed(e *kmip.Error) kmip.ResponseItem {
	return kmip.ResponseItem{Status: kmip.StatusOperationFailed, Reason: e.Reason, Reason2: e.Reason2, Message: e.Message}
}

// unreadable answers a request that cannot be answered item by item (KMIP 1.4,
// 11.1): one item, which names no operation.
func (s *Server) unreadable(c *conn, version kmip.Version, err error) *buffer {
	s.log.Info("a request could not be read", "from", c.peer.Address, "error", err)
	a := begin(s.nearest(version), "")
	s.refused(c, a.header.Version, err)
	var told *kmip.Error
	if !errors.As(err, &told) {
		told = kmip.Errorf(cmp.Or(kmip.ReasonOf(err), kmip.ReasonInvalidMessage), "%v", err)
	}
	out := failed(told)
	a.add(&out)
	return a.end()
}

// peekVersion reads the version of a request that is malformed further on. The
// version is the first field of the header, so it stands at a fixed place. The
// zero Version: it does not stand there.
func peekVersion(frame []byte) kmip.Version {
	const at, size = 2 * ttlv.HeaderSize, 5 * ttlv.HeaderSize
	if len(frame) < at+size {
		return kmip.Version{}
	}
	part := frame[at : at+size]
	if ttlv.Check(part, ttlv.Limits{}) != nil {
		return kmip.Version{}
	}
	var v kmip.Version
	for r := ttlv.NewReader(part, kmip.TagProtocolVersion); r.Next(); {
		switch {
		case r.Type() != ttlv.Integer:
		case r.Tag() == kmip.TagProtocolVersionMajor:
			v.Major = r.Integer()
		case r.Tag() == kmip.TagProtocolVersionMinor:
			v.Minor = r.Integer()
		}
	}
	return v
}
