package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Create has the server make a key (KMIP 1.4, 4.1).
func (c *Client) Create(ctx context.Context, req *kmip.CreateRequest) (*kmip.CreateResponse, error) {
	return call[*kmip.CreateResponse](ctx, c, req)
}
