package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Hash has the server hash data (KMIP 1.2, 4.37). The request stays the caller's.
func (c *Client) Hash(ctx context.Context, req *kmip.HashRequest) (*kmip.HashResponse, error) {
	return call[*kmip.HashResponse](ctx, c, req)
}
