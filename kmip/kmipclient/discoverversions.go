package kmipclient

import (
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

// negotiate settles the version of a new connection: the fixed one, or the highest
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
	answer, _, refusal, fault := cn.ask(ctx, &kmip.DiscoverVersionsRequest{Versions: kmip.Versions()})
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
		for _, v := range kmip.Versions() {
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
	for i, v := range kmip.Versions() {
		cn.version = v
		_, spoken, refusal, fault := cn.ask(ctx, harmless)
		if fault != nil {
			if !hungUp(fault) || ctx.Err() != nil || i == len(kmip.Versions())-1 {
				cn.Close()
				return nil, fault
			}
			if cn, fault = c.reopen(ctx, cn); fault != nil {
				return nil, fault
			}
			continue
		}
		// Any answer but one about the message itself shows that it was understood.
		if refusal == nil || kmip.ReasonOf(refusal) != kmip.ReasonInvalidMessage {
			if spoken.Supported() && v.AtLeast(spoken) {
				cn.version = spoken // what it answers in is what it knows
			}
			s.setSettled(cn.version)
			return cn, nil
		}
		last = refusal
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

// ask does one operation in the connection's version. spoken is that of the answer.
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
