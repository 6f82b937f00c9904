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

// habit is what is remembered of a server that does not do Discover Versions.
type habit struct {
	hangsUp bool         // it answers by hanging up
	settled kmip.Version // the version that was found without; zero before, and after a failure
}

// settle remembers the version of a server that does not do Discover Versions.
func (c *Client) settle(s *server, v kmip.Version) {
	h, known := c.habits[s]
	if !known && v == (kmip.Version{}) {
		return
	}
	if c.habits == nil {
		c.habits = make(map[*server]habit)
	}
	h.settled = v
	c.habits[s] = h
}

// negotiate settles the version of a new connection: the fixed one, or the highest
// common one of Discover Versions. It came with 1.1; a server that does not take
// it is asked something harmless in each version from the top. Old servers hang up
// on what they do not know: then the next question goes over a new connection.
func (c *Client) negotiate(ctx context.Context) *ServerError {
	s := c.conn.server
	h := c.habits[s]
	switch {
	case c.o.Version != (kmip.Version{}):
		c.conn.version = c.o.Version
		return nil
	case h.settled != (kmip.Version{}):
		c.conn.version = h.settled
		return nil
	case h.hangsUp:
		return c.probe(ctx)
	}
	c.conn.version = kmip.V1_1
	answer, _, refusal, fault := c.conn.ask(ctx, &kmip.DiscoverVersionsRequest{Versions: kmip.Versions()})
	switch {
	case fault != nil && hungUp(fault) && ctx.Err() == nil:
		c.o.Logger.Debug("the key server hangs up on Discover Versions; trying one version after the other", "server", s.addr)
		if c.reconnect(ctx) != nil || c.probe(ctx) != nil {
			return fault // it hangs up on everything
		}
		c.habits[s] = habit{hangsUp: true, settled: c.conn.version}
		return nil
	case fault != nil:
		return fault
	case refusal == nil:
		offered := answer.(*kmip.DiscoverVersionsResponse).Versions
		for _, v := range kmip.Versions() {
			if slices.Contains(offered, v) {
				c.conn.version = v
				return nil
			}
		}
		return &ServerError{Server: s.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: the server offers %v", ErrNoCommonVersion, offered)}
	}
	switch kmip.ReasonOf(refusal) {
	case kmip.ReasonAuthenticationNotSuccessful, kmip.ReasonPermissionDenied:
		return nil // it would be the same in any version; let the caller's request show it
	}
	return c.probe(ctx)
}

// probe asks for the server's operations in each version from the top, until one
// is understood.
func (c *Client) probe(ctx context.Context) *ServerError {
	s := c.conn.server
	var last error
	for i, v := range kmip.Versions() {
		c.conn.version = v
		_, spoken, refusal, fault := c.conn.ask(ctx, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}})
		if fault != nil {
			if !hungUp(fault) || ctx.Err() != nil || i == len(kmip.Versions())-1 {
				return fault
			}
			if fault := c.reconnect(ctx); fault != nil {
				return fault
			}
			continue
		}
		// Any answer but one about the message itself shows that it was understood.
		if refusal == nil || kmip.ReasonOf(refusal) != kmip.ReasonInvalidMessage {
			if spoken.Supported() && v.AtLeast(spoken) {
				c.conn.version = spoken // what it answers in is what it knows
			}
			c.settle(s, c.conn.version)
			return nil
		}
		last = refusal
	}
	return &ServerError{Server: s.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: %w", ErrNoCommonVersion, last)}
}

// hungUp says whether the server ended the connection where an answer was due.
func hungUp(e *ServerError) bool {
	return e.Phase == PhaseReceive && (errors.Is(e.Err, io.EOF) || errors.Is(e.Err, io.ErrUnexpectedEOF) || errors.Is(e.Err, syscall.ECONNRESET))
}

// reconnect opens another connection to the server of the open one.
func (c *Client) reconnect(ctx context.Context) *ServerError {
	s := c.conn.server
	c.conn.Close()
	conn, fault := c.connect(ctx, s)
	if fault == nil {
		c.conn = conn
	}
	return fault
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
