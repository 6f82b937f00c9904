package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// AddAttribute adds an instance of an attribute (KMIP 1.4, 4.14).
func (c *Client) AddAttribute(ctx context.Context, id string, a kmip.Attribute) (*kmip.AddAttributeResponse, error) {
	return call[*kmip.AddAttributeResponse](ctx, c, &kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: a})
}
