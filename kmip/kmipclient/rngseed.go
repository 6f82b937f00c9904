package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// RNGSeed gives the server randomness (KMIP 1.2, 4.36). The request stays the caller's.
func (c *Client) RNGSeed(ctx context.Context, req *kmip.RNGSeedRequest) (*kmip.RNGSeedResponse, error) {
	return call[*kmip.RNGSeedResponse](ctx, c, req)
}
