package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// adjustAttribute adds to an attribute's value, takes from it, or negates it.
func (s *Server) adjustAttribute(r *request, p *kmip.AdjustAttributeRequest) (*kmip.AdjustAttributeResponse, error) {
	var by ttlv.Value
	if p.Value != nil {
		by = *p.Value
	}
	o, err := s.changeAttributes(r, p.UniqueIdentifier, func(o *object.Object) error { return o.Adjust(p.Name, p.Type, by, r.now) })
	if err != nil {
		return nil, err
	}
	return &kmip.AdjustAttributeResponse{UniqueIdentifier: o.ID}, nil
}
