package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// SignatureVerify has the server check a signature (KMIP 1.2, 4.32). A wrong one is no error: see the
// response's Validity. The request stays the caller's.
func (c *Client) SignatureVerify(ctx context.Context, req *kmip.SignatureVerifyRequest) (*kmip.SignatureVerifyResponse, error) {
	return call[*kmip.SignatureVerifyResponse](ctx, c, req)
}
