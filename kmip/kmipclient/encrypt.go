package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Encrypt has the server encrypt data with a key of its (KMIP 1.2, 4.29). The request stays the
// caller's; the result is the caller's to wipe.
func (c *Client) Encrypt(ctx context.Context, req *kmip.EncryptRequest) (*kmip.EncryptResponse, error) {
	return call[*kmip.EncryptResponse](ctx, c, req)
}
