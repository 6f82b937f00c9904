package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// ReKeyKeyPair has the server make a key pair that takes another one's place (KMIP 1.4, 4.5).
func (c *Client) ReKeyKeyPair(ctx context.Context, req *kmip.ReKeyKeyPairRequest) (*kmip.ReKeyKeyPairResponse, error) {
	return call[*kmip.ReKeyKeyPairResponse](ctx, c, req)
}
