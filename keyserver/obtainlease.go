package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// obtainLease says for how long a client may use an object before it asks again (KMIP 1.4,
// 4.17). Nobody is told to go on with a key that is known to others.
func (s *Server) obtainLease(r *request, p *kmip.ObtainLeaseRequest) (*kmip.ObtainLeaseResponse, error) {
	o, err := s.find(r, p.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if err := o.CheckAtHand(); err != nil {
		return nil, err
	}
	if state := o.StateAt(r.now); state == kmip.StateCompromised {
		return nil, kmip.Errorf(kmip.ReasonPermissionDenied, "the object is %s: there are no more leases for it", state).In2(kmip.ReasonWrongKeyLifecycleState)
	}
	s.usage.Note(o.ID, r.who.Name, r.now) // the client uses its own copy
	return &kmip.ObtainLeaseResponse{UniqueIdentifier: o.ID, LeaseTime: uint32(object.LeaseTime.Seconds()), LastChange: o.Dates.LastChange}, nil
}
