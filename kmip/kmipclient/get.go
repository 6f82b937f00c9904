package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Get returns an object in the format that it is kept in (KMIP 1.4, 4.11). The
// caller wipes it.
func (c *Client) Get(ctx context.Context, id string) (*kmip.GetResponse, error) {
	return call[*kmip.GetResponse](ctx, c, &kmip.GetRequest{UniqueIdentifier: id})
}
