package kmipclient

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Query asks the server what it is and can (KMIP 1.4, 4.25).
func (c *Client) Query(ctx context.Context, functions ...kmip.QueryFunction) (*kmip.QueryResponse, error) {
	return call[*kmip.QueryResponse](ctx, c, &kmip.QueryRequest{Functions: functions})
}
