package kmipclient

import (
	"context"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// Batch does several operations that only read in one request (KMIP 1.4, 6.14
// to 6.16), or one by one with a server that takes no batches. The results stand
// in the order of the requests, each with its own error; their receiver wipes
// them. A server that cannot put all answers into one message fails every
// operation with Response Too Large: ask for fewer at a time.
func (c *Client) Batch(ctx context.Context, reqs []kmip.Payload) ([]Result, error) {
	for _, r := range reqs {
		if !repeatable(r) {
			return nil, fmt.Errorf("%s changes something and cannot be part of a batch", r.Operation())
		}
	}
	if len(reqs) == 0 {
		return nil, nil
	}
	return c.do(ctx, reqs)
}
