package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// DeleteAttribute takes an instance of an attribute away (KMIP 1.4, 4.16).
func (c *Client) DeleteAttribute(ctx context.Context, id, name string, index int32) (*kmip.DeleteAttributeResponse, error) {
	return call[*kmip.DeleteAttributeResponse](ctx, c, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: name, Index: index})
}
