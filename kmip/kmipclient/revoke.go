package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Revoke takes an object out of use (KMIP 1.4, 4.20).
func (c *Client) Revoke(ctx context.Context, req *kmip.RevokeRequest) (*kmip.RevokeResponse, error) {
	return call[*kmip.RevokeResponse](ctx, c, req)
}
