package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// setAttribute gives an attribute a value, whether it is there already or not.
func (s *Server) setAttribute(r *request, p *kmip.SetAttributeRequest) (*kmip.SetAttributeResponse, error) {
	o, err := s.changeAttributes(r, p.UniqueIdentifier, func(o *object.Object) error { return o.Set(p.Attribute, r.now) })
	if err != nil {
		return nil, err
	}
	return &kmip.SetAttributeResponse{UniqueIdentifier: o.ID}, nil
}
