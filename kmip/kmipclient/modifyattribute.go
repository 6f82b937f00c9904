package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// ModifyAttribute changes an instance of an attribute (KMIP 1.4, 4.15).
func (c *Client) ModifyAttribute(ctx context.Context, id string, a kmip.Attribute) (*kmip.ModifyAttributeResponse, error) {
	return call[*kmip.ModifyAttributeResponse](ctx, c, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: a})
}
