package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// GetAttributes returns the named attributes, or all (KMIP 1.4, 4.12).
func (c *Client) GetAttributes(ctx context.Context, id string, names ...string) (*kmip.GetAttributesResponse, error) {
	return call[*kmip.GetAttributesResponse](ctx, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: names})
}
