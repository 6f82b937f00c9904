package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Register gives the server an object, which stays the caller's to wipe (KMIP
// 1.4, 4.3).
func (c *Client) Register(ctx context.Context, req *kmip.RegisterRequest) (*kmip.RegisterResponse, error) {
	return call[*kmip.RegisterResponse](ctx, c, req)
}
