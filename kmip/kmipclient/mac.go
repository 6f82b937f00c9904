package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// MAC has the server make a message authentication code (KMIP 1.2, 4.33). The request stays the
// caller's.
func (c *Client) MAC(ctx context.Context, req *kmip.MACRequest) (*kmip.MACResponse, error) {
	return call[*kmip.MACResponse](ctx, c, req)
}
