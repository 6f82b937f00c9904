package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// ReKey has the server make a key that takes another one's place (KMIP 1.4, 4.4).
func (c *Client) ReKey(ctx context.Context, req *kmip.ReKeyRequest) (*kmip.ReKeyResponse, error) {
	return call[*kmip.ReKeyResponse](ctx, c, req)
}
