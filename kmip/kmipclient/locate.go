package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Locate finds the objects that have all the attributes (KMIP 1.4, 4.9).
func (c *Client) Locate(ctx context.Context, req *kmip.LocateRequest) (*kmip.LocateResponse, error) {
	return call[*kmip.LocateResponse](ctx, c, req)
}
