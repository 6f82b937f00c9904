package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Destroy deletes an object's content for good (KMIP 1.4, 4.21).
func (c *Client) Destroy(ctx context.Context, id string) (*kmip.DestroyResponse, error) {
	return call[*kmip.DestroyResponse](ctx, c, &kmip.DestroyRequest{UniqueIdentifier: id})
}
