package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Activate makes a Pre-Active object Active (KMIP 1.4, 4.19).
func (c *Client) Activate(ctx context.Context, id string) (*kmip.ActivateResponse, error) {
	return call[*kmip.ActivateResponse](ctx, c, &kmip.ActivateRequest{UniqueIdentifier: id})
}
