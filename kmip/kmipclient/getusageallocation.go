package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// GetUsageAllocation asks for a part of what a key's Usage Limits leave (KMIP 1.4, 4.18).
func (c *Client) GetUsageAllocation(ctx context.Context, req *kmip.GetUsageAllocationRequest) (*kmip.GetUsageAllocationResponse, error) {
	return call[*kmip.GetUsageAllocationResponse](ctx, c, req)
}
