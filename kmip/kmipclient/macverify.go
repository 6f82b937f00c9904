package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// MACVerify has the server check a message authentication code (KMIP 1.2, 4.34). A wrong one is no
// error: see the response's Validity. The request stays the caller's.
func (c *Client) MACVerify(ctx context.Context, req *kmip.MACVerifyRequest) (*kmip.MACVerifyResponse, error) {
	return call[*kmip.MACVerifyResponse](ctx, c, req)
}
