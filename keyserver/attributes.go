package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// addAttribute adds an instance of an attribute (KMIP 1.4, 4.14).
func (s *Server) addAttribute(r *request, p *kmip.AddAttributeRequest) (*kmip.AddAttributeResponse, error) {
	a := p.Attribute
	o, err := s.changeAttributes(r, p.UniqueIdentifier, func(o *object.Object) (err error) {
		a, err = o.Add(a, r.now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kmip.AddAttributeResponse{UniqueIdentifier: o.ID, Attribute: a}, nil
}

// modifyAttribute changes an instance of an attribute (KMIP 1.4, 4.15).
func (s *Server) modifyAttribute(r *request, p *kmip.ModifyAttributeRequest) (*kmip.ModifyAttributeResponse, error) {
	a := p.Attribute
	o, err := s.changeAttributes(r, p.UniqueIdentifier, func(o *object.Object) (err error) {
		if p.Current != nil && p.Current.Name != a.Name {
			return kmip.Errorf(kmip.ReasonInvalidField, "the Current Attribute is %s, and the New Attribute %s", p.Current.Name, a.Name)
		}
		switch {
		case p.Current != nil:
			a.Index, err = o.Instance(*p.Current)
		case r.Version.Major >= 2:
			a.Index, err = o.OnlyInstance(a.Name)
		}
		if err == nil {
			a, err = o.Modify(a, r.now)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kmip.ModifyAttributeResponse{UniqueIdentifier: o.ID, Attribute: a}, nil
}

// deleteAttribute deletes an instance of an attribute (KMIP 1.4, 4.16).
func (s *Server) deleteAttribute(r *request, p *kmip.DeleteAttributeRequest) (*kmip.DeleteAttributeResponse, error) {
	var gone kmip.Attribute
	o, err := s.changeAttributes(r, p.UniqueIdentifier, func(o *object.Object) (err error) {
		index := p.Index
		switch {
		case p.Current != nil:
			if index, err = o.Instance(*p.Current); err != nil {
				return err
			}
		case r.Version.Major >= 2:
			return o.DeleteAll(p.Name, r.now)
		}
		gone, err = o.Delete(p.Name, index, r.now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kmip.DeleteAttributeResponse{UniqueIdentifier: o.ID, Attribute: gone}, nil
}

func (s *Server) changeAttributes(r *request, id string, fn func(*object.Object) error) (*object.Object, error) {
	if _, err := s.find(r, id); err != nil {
		return nil, err
	}
	return s.change(r, id, fn)
}
