package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// CreateKeyPair has the server make a private and a public key (KMIP 1.4, 4.2).
func (c *Client) CreateKeyPair(ctx context.Context, req *kmip.CreateKeyPairRequest) (*kmip.CreateKeyPairResponse, error) {
	return call[*kmip.CreateKeyPairResponse](ctx, c, req)
}
