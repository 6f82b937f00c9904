package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// getUsageAllocation takes from a key's Usage Limits what a client is going to protect with
// it by itself (KMIP 1.4, 4.18). That is durable before the client learns of it.
func (s *Server) getUsageAllocation(r *request, p *kmip.GetUsageAllocationRequest) (*kmip.GetUsageAllocationResponse, error) {
	n := p.UsageLimitsCount
	if n < 0 {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Usage Limits Count %d is negative", n)
	}
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error {
		if err := o.CheckAllocate(r.now); err != nil {
			return err
		}
		changed, err := o.Spend(n, n, r.now)
		if err == nil && !changed {
			return errNothing
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.usage.Note(o.ID, r.who.Name, r.now) // the client uses its own copy
	return &kmip.GetUsageAllocationResponse{UniqueIdentifier: o.ID}, nil
}
