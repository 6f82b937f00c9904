package kmipclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// DiscoverVersions asks which of the versions the server speaks, or for all of
// the server's (KMIP 1.4, 4.26).
func (c *Client) DiscoverVersions(ctx context.Context, versions ...kmip.Version) (*kmip.DiscoverVersionsResponse, error) {
	return call[*kmip.DiscoverVersionsResponse](ctx, c, &kmip.DiscoverVersionsRequest{Versions: versions})
}

// preferred are the versions in the order in which a client takes them: 1.x, the newest
// first, since all servers have been tried with it; then 2.x, for servers that offer
// nothing older.
func preferred() []kmip.Version {
	versions := kmip.Versions()
	slices.SortStableFunc(versions, func(a, b kmip.Version) int { return cmp.Compare(a.Major, b.Major) })
	return versions
}

// negotiate settles the version of a new connection: the fixed one, or the preferred
// common one of Discover Versions. It came with 1.1; a server that does not take
// it is asked something harmless in each version from the top. Old servers hang up
// on what they do not know: then the next question goes over a new connection,
// which is what is returned. On a fault the connection is closed.
func (c *Client) negotiate(ctx context.Context, cn *conn) (*conn, *ServerError) {
	s := cn.server
	settled, hangsUp := s.habits()
	switch {
	case c.o.Version != (kmip.Version{}):
		cn.version = c.o.Version
		return cn, nil
	case settled != (kmip.Version{}):
		cn.version = settled
		return cn, nil
	case hangsUp:
		return c.probe(ctx, cn)
	}
	cn.version = kmip.V1_1
	question := &kmip.DiscoverVersionsRequest{Versions: preferred()}
	answer, spoken, refusal, fault := cn.ask(ctx, question)
	if fault == nil && spoken.Supported() && spoken.Major != cn.version.Major { // it speaks no 1.x
		cn.version = spoken
		answer, _, refusal, fault = cn.ask(ctx, question)
	}
	switch {
	case fault != nil && hungUp(fault) && ctx.Err() == nil:
		c.o.Logger.Debug("the key server hangs up on Discover Versions; trying one version after the other", "server", s.addr)
		again, no := c.reopen(ctx, cn)
		if no == nil {
			again, no = c.probe(ctx, again)
		}
		if no != nil {
			return nil, fault // it hangs up on everything
		}
		s.setHangsUp()
		return again, nil
	case fault != nil:
		cn.Close()
		return nil, fault
	case refusal == nil:
		offered := answer.(*kmip.DiscoverVersionsResponse).Versions
		for _, v := range preferred() {
			if slices.Contains(offered, v) {
				cn.version = v
				return cn, nil
			}
		}
		cn.Close()
		return nil, &ServerError{Server: s.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: the server offers %v", ErrNoCommonVersion, offered)}
	}
	switch kmip.ReasonOf(refusal) {
	case kmip.ReasonAuthenticationNotSuccessful, kmip.ReasonPermissionDenied:
		return cn, nil // it would be the same in any version; let the caller's request show it
	}
	return c.probe(ctx, cn)
}

// probe asks for the server's operations in each version from the top, until one
// is understood. What it returns and closes is as with negotiate.
func (c *Client) probe(ctx context.Context, cn *conn) (*conn, *ServerError) {
	s := cn.server
	var last error
	versions := preferred()
	for i, v := range versions {
		cn.version = v
		_, spoken, refusal, fault := cn.ask(ctx, harmless)
		if fault != nil {
			if !hungUp(fault) || ctx.Err() != nil || i == len(versions)-1 {
				cn.Close()
				return nil, fault
			}
			if cn, fault = c.reopen(ctx, cn); fault != nil {
				return nil, fault
			}
			continue
		}
		// Any answer but one about the message itself shows that it was understood.
		if spoken.Major == v.Major && (refusal == nil || kmip.ReasonOf(refusal) != kmip.ReasonInvalidMessage) {
			if spoken.Supported() && v.AtLeast(spoken) {
				cn.version = spoken // what it answers in is what it knows
			}
			s.setSettled(cn.version)
			return cn, nil
		}
		last = cmp.Or(refusal, last)
	}
	cn.Close()
	return nil, &ServerError{Server: s.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: %w", ErrNoCommonVersion, last)}
}

// harmless is a question that every server can answer.
var harmless = &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}

// hungUp says whether the server ended the connection where an answer was due.
func hungUp(e *ServerError) bool {
	return e.Phase == PhaseReceive && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET))
}

// reopen replaces a connection by another one to the same address.
func (c *Client) reopen(ctx context.Context, cn *conn) (*conn, *ServerError) {
	cn.Close()
	return c.session(ctx, cn.server, cn.address)
}

// ask does one operation in the connection's version. spoken is that of the answer: in
// another major one there is only the refusal.
func (c *conn) ask(ctx context.Context, req kmip.Payload) (answer kmip.Payload, spoken kmip.Version, refusal error, fault *ServerError) {
	res, fault := c.send(ctx, []kmip.Payload{req})
	if fault != nil {
		return nil, spoken, nil, fault
	}
	spoken = res.Header.Version
	results, fault := c.match([]kmip.Payload{req}, res)
	if fault != nil {
		return nil, spoken, nil, fault
	}
	return results[0].Payload, spoken, results[0].Err, nil
}
