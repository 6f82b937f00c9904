package kmipclient

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// repeatable says whether an operation may be carried out twice without harm: those
// that change nothing but, at most, what is left of a key's Usage Limits. A part of
// data in several is counted on only once.
func repeatable(req kmip.Payload) bool {
	if p, ok := req.(interface{ Single() bool }); ok && !p.Single() {
		return false
	}
	switch req.Operation() {
	case kmip.OpGet, kmip.OpLocate, kmip.OpGetAttributes, kmip.OpGetAttributeList, kmip.OpCheck, kmip.OpObtainLease, kmip.OpQuery, kmip.OpDiscoverVersions, kmip.OpRNGRetrieve, kmip.OpEncrypt, kmip.OpDecrypt,
		kmip.OpSign, kmip.OpSignatureVerify, kmip.OpMAC, kmip.OpMACVerify, kmip.OpHash, kmip.OpRNGSeed:
		return true
	}
	return false
}

// call does one operation.
func call[R kmip.Payload](ctx context.Context, c *Client, req kmip.Payload) (R, error) {
	var none R
	results, err := c.do(ctx, []kmip.Payload{req})
	if err != nil {
		return none, err
	}
	if results[0].Err != nil {
		return none, results[0].Err
	}
	r, ok := results[0].Payload.(R)
	if !ok {
		kmip.WipePayload(results[0].Payload)
		return none, &Error{Servers: []*ServerError{{Server: c.Status().Server, Phase: PhaseReceive,
			Err: fmt.Errorf("%w: no payload of %s", ErrMismatch, req.Operation())}}, Sent: !repeatable(req)}
	}
	return r, nil
}

// Result is the answer to one operation of a batch: the payload, or the server's
// refusal as a *kmip.Error.
type Result struct {
	Payload kmip.Payload
	Err     error
}

// do holds the connection for one request, as one message or, with a server that
// takes no batches, as many.
func (c *Client) do(ctx context.Context, reqs []kmip.Payload) ([]Result, error) {
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	results, err := c.tryServers(ctx, reqs)
	c.report(err)
	return results, err
}

// tryServers sends the request over the kept connection or a new one and, while
// it may be repeated, to other servers.
func (c *Client) tryServers(ctx context.Context, reqs []kmip.Payload) ([]Result, error) {
	var failed failures
	mayRepeat := true
	for _, r := range reqs {
		mayRepeat = mayRepeat && repeatable(r)
	}
	for {
		kept := c.keep(ctx)
		if !kept {
			if c.conn = c.openAny(ctx, c.order(ctx), &failed); c.conn == nil {
				break
			}
		}
		s := c.conn.server
		results, fault := c.exchangeInTime(ctx, reqs)
		if fault == nil {
			s.answered()
			c.use(s, failed.faults)
			return results, nil
		}
		c.hangUp()
		// A kept connection that died is no news of the server. What was not sent as
		// a whole may always be sent again.
		if kept && !fault.Timeout() && ctx.Err() == nil &&
			(fault.Phase == PhaseSend || fault.Phase == PhaseReceive && mayRepeat && !answered(fault)) {
			c.o.Logger.Debug("the kept connection is dead; connecting again", "server", s.addr, "cause", fault.Err)
			continue
		}
		failed.add(s, fault)
		if fault.Phase == PhaseReceive && !mayRepeat {
			return nil, &Error{Servers: failed.faults, Sent: true}
		}
		if ctx.Err() != nil {
			break
		}
	}
	if c.isClosed() {
		return nil, ErrClosed
	}
	return nil, &Error{Servers: failed.faults}
}

// exchangeInTime is exchange within the timeout.
func (c *Client) exchangeInTime(ctx context.Context, reqs []kmip.Payload) ([]Result, *ServerError) {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	return c.exchange(ctx, reqs)
}

// answered says whether the peer said something, however senseless.
func answered(e *ServerError) bool {
	return errors.Is(e, ErrNotKMIP) || errors.Is(e, ErrTooLarge) || errors.Is(e, ErrMismatch) || kmip.ReasonOf(e) != 0
}

// keep says whether the open connection can be used, and closes it if not.
func (c *Client) keep(ctx context.Context) bool {
	if c.conn == nil {
		return false
	}
	if s := c.pinned(ctx); s != nil && s != c.conn.server {
		c.hangUp()
		return false
	}
	now := time.Now()
	if now.Sub(c.conn.opened) < c.o.MaxAge && now.Sub(c.conn.used) < c.o.MaxIdle && !c.conn.dead() {
		return true
	}
	c.hangUp()
	return false
}

// exchange does the operations over the open connection, in as many messages as
// the server needs.
func (c *Client) exchange(ctx context.Context, reqs []kmip.Payload) ([]Result, *ServerError) {
	if c.conn.batch > 0 && len(reqs) > c.conn.batch {
		return c.inPieces(ctx, reqs)
	}
	res, fault := c.conn.send(ctx, reqs)
	if fault != nil {
		return nil, fault
	}
	if len(reqs) > 1 && refusedAsABatch(res) {
		// The server may know no batches, or only shorter ones.
		err := res.Items[0].Err()
		res.Wipe()
		c.conn.batch = max(1, len(reqs)/4)
		c.o.Logger.Debug("the key server refuses a batch; sending shorter ones", "server", c.conn.server.addr, "operations", c.conn.batch, "answer", err)
		return c.inPieces(ctx, reqs)
	}
	return c.conn.match(reqs, res)
}

// refusedAsABatch says whether the answer is to the message as a whole, or that
// the answers do not fit into one message.
func refusedAsABatch(res *kmip.ResponseMessage) bool {
	for i := range res.Items {
		if kmip.ReasonOf(res.Items[i].Err()) == kmip.ReasonResponseTooLarge {
			return true
		}
	}
	return len(res.Items) == 1 && res.Items[0].Status != kmip.StatusSuccess && len(res.Items[0].ID) == 0
}

func (c *Client) inPieces(ctx context.Context, reqs []kmip.Payload) ([]Result, *ServerError) {
	var all []Result
	for len(reqs) > 0 {
		n := min(c.conn.batch, len(reqs))
		piece, fault := c.exchange(ctx, reqs[:n])
		if fault != nil {
			for _, r := range all {
				kmip.WipePayload(r.Payload)
			}
			return nil, fault
		}
		all, reqs = append(all, piece...), reqs[n:]
	}
	return all, nil
}

// send makes one message of the operations. There is no Time Stamp in it: it is
// optional, and PyKMIP refuses one that is a second ahead of its own clock. Nor
// is there a Client Correlation Value, which PyKMIP cannot read.
func (c *conn) send(ctx context.Context, reqs []kmip.Payload) (*kmip.ResponseMessage, *ServerError) {
	m := &kmip.RequestMessage{Header: kmip.RequestHeader{Version: c.version}, Items: make([]kmip.RequestItem, 0, len(reqs))}
	for i, p := range reqs {
		it := kmip.RequestItem{Operation: p.Operation(), Payload: p}
		if len(reqs) > 1 {
			it.ID = binary.BigEndian.AppendUint32(nil, uint32(i))
		}
		m.Items = append(m.Items, it)
	}
	if len(reqs) > 1 {
		m.Header.Continuation = kmip.BatchContinue
	}
	return c.roundTrip(ctx, m)
}

// match gives each request its answer, by the Unique Batch Item ID, and checks
// that there is one of its operation for each.
func (c *conn) match(reqs []kmip.Payload, res *kmip.ResponseMessage) ([]Result, *ServerError) {
	mismatch := func(format string, args ...any) ([]Result, *ServerError) {
		res.Wipe()
		return nil, &ServerError{Server: c.server.addr, Phase: PhaseReceive, Err: fmt.Errorf("%w: "+format, append([]any{ErrMismatch}, args...)...)}
	}
	// Who cannot read a request refuses it in a version of its own.
	refused := len(res.Items) == 1 && res.Items[0].Status == kmip.StatusOperationFailed
	if res.Header.Version.Major != c.version.Major && !refused {
		return mismatch("it is of version %s", res.Header.Version)
	}
	if len(res.Items) != len(reqs) {
		return mismatch("it has %d items, not %d", len(res.Items), len(reqs))
	}
	all := make([]Result, len(reqs))
	seen := make([]bool, len(reqs))
	for i := range res.Items {
		it := &res.Items[i]
		n := 0
		if len(reqs) > 1 {
			if len(it.ID) != 4 {
				return mismatch("an item has the batch item id %x", it.ID)
			}
			n = int(binary.BigEndian.Uint32(it.ID))
		}
		if n >= len(reqs) || seen[n] {
			return mismatch("an item has the batch item id %x", it.ID)
		}
		seen[n] = true
		op := reqs[n].Operation()
		switch err := it.Err(); {
		case it.Fault != nil && !repeatable(reqs[n]):
			return mismatch("%w", it.Fault)
		case err != nil:
			var refusal *kmip.Error
			if errors.As(err, &refusal) && refusal.Operation == 0 {
				refusal.Operation = op // some refuse a message without saying what was asked
			}
			all[n].Err = err
		case it.Operation != op:
			return mismatch("it is of operation %s, not %s", it.Operation, op)
		case it.Payload == nil:
			return mismatch("%s has no payload", op)
		default:
			all[n].Payload = it.Payload
		}
	}
	return all, nil
}
