package kmipclient

import (
	"context"
	"fmt"
	"slices"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// DiscoverVersions asks which of the versions the server speaks, or for all of
// the server's (KMIP 1.4, 4.26).
func (c *Client) DiscoverVersions(ctx context.Context, versions ...kmip.Version) (*kmip.DiscoverVersionsResponse, error) {
	return call[*kmip.DiscoverVersionsResponse](ctx, c, &kmip.DiscoverVersionsRequest{Versions: versions})
}

// negotiate settles the version of a new connection: the fixed one, or the highest
// common one of Discover Versions. It came with 1.1; a server that does not take
// it is asked something harmless in each version from the top.
func (c *Client) negotiate(ctx context.Context) *ServerError {
	if c.o.Version != (kmip.Version{}) {
		c.conn.version = c.o.Version
		return nil
	}
	c.conn.version = kmip.V1_1
	answer, refusal, fault := c.conn.ask(ctx, &kmip.DiscoverVersionsRequest{Versions: kmip.Versions()})
	if fault != nil {
		return fault
	}
	if refusal == nil {
		offered := answer.(*kmip.DiscoverVersionsResponse).Versions
		for _, v := range kmip.Versions() {
			if slices.Contains(offered, v) {
				c.conn.version = v
				return nil
			}
		}
		return &ServerError{Server: c.conn.server.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: the server offers %v", ErrNoCommonVersion, offered)}
	}
	switch kmip.ReasonOf(refusal) {
	case kmip.ReasonAuthenticationNotSuccessful, kmip.ReasonPermissionDenied:
		return nil // it would be the same in any version; let the caller's request show it
	}
	for _, v := range kmip.Versions() {
		c.conn.version = v
		_, refusal, fault = c.conn.ask(ctx, &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}})
		if fault != nil {
			return fault
		}
		// Any answer but one about the message itself shows that it was understood.
		if refusal == nil || kmip.ReasonOf(refusal) != kmip.ReasonInvalidMessage {
			return nil
		}
	}
	return &ServerError{Server: c.conn.server.addr, Phase: PhaseVersion, Err: fmt.Errorf("%w: %w", ErrNoCommonVersion, refusal)}
}

// ask does one operation in the connection's version.
func (c *conn) ask(ctx context.Context, req kmip.Payload) (answer kmip.Payload, refusal error, fault *ServerError) {
	res, fault := c.send(ctx, []kmip.Payload{req})
	if fault != nil {
		return nil, nil, fault
	}
	results, fault := c.match([]kmip.Payload{req}, res)
	if fault != nil {
		return nil, nil, fault
	}
	return results[0].Payload, results[0].Err, nil
}
