package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// ObtainLease asks for how long an object may be used (KMIP 1.4, 4.17).
func (c *Client) ObtainLease(ctx context.Context, req *kmip.ObtainLeaseRequest) (*kmip.ObtainLeaseResponse, error) {
	return call[*kmip.ObtainLeaseResponse](ctx, c, req)
}
