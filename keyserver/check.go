package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// check says whether an object's attributes allow what a client means to do with it
// (KMIP 1.4, 4.10). Where they do not, the ID Placeholder is empty afterwards, so that the
// rest of the batch does not do it.
func (s *Server) check(r *request, p *kmip.CheckRequest) (*kmip.CheckResponse, error) {
	o, err := s.find(r, p.UniqueIdentifier)
	if err == nil {
		err = allows(o, p)
	}
	if err != nil {
		r.Placeholder = ""
		return nil, err
	}
	return &kmip.CheckResponse{UniqueIdentifier: o.ID}, nil
}

func allows(o *object.Object, p *kmip.CheckRequest) error {
	if err := o.CheckAtHand(); err != nil {
		return err
	}
	if p.UsageMask != nil {
		mask, _ := o.Attributes.Get(kmip.AttrCryptographicUsageMask)
		if *p.UsageMask&^kmip.UsageMask(mask.Int) != 0 {
			return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Cryptographic Usage Mask does not allow this").In2(kmip.ReasonIncompatibleCryptographicUsageMask)
		}
	}
	if n := p.UsageLimitsCount; n != nil {
		if *n < 0 {
			return kmip.Errorf(kmip.ReasonInvalidField, "the Usage Limits Count %d is negative", *n)
		}
		if u, limited := o.UsageLimits(); limited && *n > u.Count {
			return kmip.Errorf(kmip.ReasonPermissionDenied, "the object's Usage Limits leave %d of the unit %s", u.Count, u.Unit).In2(kmip.ReasonUsageLimitExceeded)
		}
	}
	if t := p.LeaseTime; t != nil && int64(*t) > int64(object.LeaseTime.Seconds()) {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "a lease is for %s at most", object.LeaseTime)
	}
	return nil
}
