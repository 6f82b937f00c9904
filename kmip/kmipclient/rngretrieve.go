package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// RNGRetrieve gets n random bytes of the server's making, or fewer (KMIP 1.2,
// 4.35). The caller wipes them.
func (c *Client) RNGRetrieve(ctx context.Context, n int32) (*kmip.RNGRetrieveResponse, error) {
	return call[*kmip.RNGRetrieveResponse](ctx, c, &kmip.RNGRetrieveRequest{Length: n})
}
