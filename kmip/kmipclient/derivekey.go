package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// DeriveKey has the server make a key out of another one (KMIP 1.4, 4.6).
func (c *Client) DeriveKey(ctx context.Context, req *kmip.DeriveKeyRequest) (*kmip.DeriveKeyResponse, error) {
	return call[*kmip.DeriveKeyResponse](ctx, c, req)
}
