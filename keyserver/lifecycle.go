package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// activate makes a Pre-Active object Active (KMIP 1.4, 4.19).
func (s *Server) activate(r *request, p *kmip.ActivateRequest) (*kmip.ActivateResponse, error) {
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error { return o.Activate(r.now) })
	if err != nil {
		return nil, err
	}
	return &kmip.ActivateResponse{UniqueIdentifier: o.ID}, nil
}

// revoke takes an object out of use (KMIP 1.4, 4.20).
func (s *Server) revoke(r *request, p *kmip.RevokeRequest) (*kmip.RevokeResponse, error) {
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error {
		changed, err := o.Revoke(p.Reason, p.CompromiseOccurrence, r.now)
		if err == nil && !changed {
			return errNothing
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kmip.RevokeResponse{UniqueIdentifier: o.ID}, nil
}

// destroy erases an object's key bytes and frees its names (KMIP 1.4, 4.21).
func (s *Server) destroy(r *request, p *kmip.DestroyRequest) (*kmip.DestroyResponse, error) {
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error { return o.Destroy(r.now) })
	if err != nil {
		return nil, err
	}
	return &kmip.DestroyResponse{UniqueIdentifier: o.ID}, nil
}
