package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Decrypt has the server decrypt data with a key of its (KMIP 1.2, 4.30). The request stays the
// caller's; the result is the caller's to wipe.
func (c *Client) Decrypt(ctx context.Context, req *kmip.DecryptRequest) (*kmip.DecryptResponse, error) {
	return call[*kmip.DecryptResponse](ctx, c, req)
}
