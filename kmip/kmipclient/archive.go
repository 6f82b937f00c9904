package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Archive puts an object away (KMIP 1.4, 4.22).
func (c *Client) Archive(ctx context.Context, req *kmip.ArchiveRequest) (*kmip.ArchiveResponse, error) {
	return call[*kmip.ArchiveResponse](ctx, c, req)
}
