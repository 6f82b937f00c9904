package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// archive puts an object away until it is recovered (KMIP 1.4, 4.22). Its bytes stay where
// they are: what changes is that nobody gets or uses them.
func (s *Server) archive(r *request, p *kmip.ArchiveRequest) (*kmip.ArchiveResponse, error) {
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error { return o.Archive(r.now) })
	if err != nil {
		return nil, err
	}
	return &kmip.ArchiveResponse{UniqueIdentifier: o.ID}, nil
}

// recover brings an object back (KMIP 1.4, 4.23).
func (s *Server) recover(r *request, p *kmip.RecoverRequest) (*kmip.RecoverResponse, error) {
	o, err := s.change(r, p.UniqueIdentifier, func(o *object.Object) error {
		changed, err := o.Recover(r.now)
		if err == nil && !changed {
			return errNothing
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kmip.RecoverResponse{UniqueIdentifier: o.ID}, nil
}
