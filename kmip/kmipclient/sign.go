package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Sign has the server sign data with a private key that it keeps (KMIP 1.2, 4.31). The request stays the
// caller's.
func (c *Client) Sign(ctx context.Context, req *kmip.SignRequest) (*kmip.SignResponse, error) {
	return call[*kmip.SignResponse](ctx, c, req)
}
