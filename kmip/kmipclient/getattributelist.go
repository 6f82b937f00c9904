package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// GetAttributeList returns the names of an object's attributes (KMIP 1.4, 4.13).
func (c *Client) GetAttributeList(ctx context.Context, id string) (*kmip.GetAttributeListResponse, error) {
	return call[*kmip.GetAttributeListResponse](ctx, c, &kmip.GetAttributeListRequest{UniqueIdentifier: id})
}
