package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Recover brings back an object that was put away (KMIP 1.4, 4.23).
func (c *Client) Recover(ctx context.Context, req *kmip.RecoverRequest) (*kmip.RecoverResponse, error) {
	return call[*kmip.RecoverResponse](ctx, c, req)
}
