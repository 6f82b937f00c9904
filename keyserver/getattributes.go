package keyserver

import (
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// getAttributes gives out attributes, those that are named in their order, or all
// (KMIP 1.4, 4.12). One that the object lacks is left out.
func (s *Server) getAttributes(r *request, p *kmip.GetAttributesRequest) (*kmip.GetAttributesResponse, error) {
	o, err := s.find(r, p.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	response := &kmip.GetAttributesResponse{UniqueIdentifier: o.ID}
	if len(p.Names) == 0 {
		response.Attributes = slices.DeleteFunc(visible(r, o, everything), func(a kmip.Attribute) bool {
			// PyKMIP cannot read a digest as 1.0 has it, and no Original Creation Date at
			// 1.2, which is its own version. Who wants one asks for it.
			return a.Name == kmip.AttrDigest && !r.Version.AtLeast(kmip.V1_1) || a.Name == kmip.AttrOriginalCreationDate && !r.Version.AtLeast(kmip.V1_3)
		})
		return response, nil
	}
	some := visible(r, o, func(name string) bool { return slices.Contains(p.Names, name) })
	response.Attributes = make(kmip.Attributes, 0, len(some))
	seen := make(map[string]bool)
	for _, name := range p.Names {
		if seen[name] {
			continue
		}
		seen[name] = true
		for _, a := range some {
			if a.Name == name {
				response.Attributes = append(response.Attributes, a)
			}
		}
	}
	return response, nil
}

func everything(string) bool { return true }

// getAttributeList gives out the names of the attributes that the object has, each
// once (KMIP 1.4, 4.13).
func (s *Server) getAttributeList(r *request, p *kmip.GetAttributeListRequest) (*kmip.GetAttributeListResponse, error) {
	o, err := s.find(r, p.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	response := &kmip.GetAttributeListResponse{UniqueIdentifier: o.ID}
	for _, a := range visible(r, o, everything) {
		if !slices.Contains(response.Names, a.Name) {
			response.Names = append(response.Names, a.Name)
		}
	}
	return response, nil
}

// OwnerAttribute names the endpoint that owns an object, for administrators, who
// see everybody's (KMIP 1.4, 3.39: "y-" is a server's own attribute).
const OwnerAttribute = "y-Owner"

// visible returns the wanted attributes that the client may see. A digest would tell an
// administrator whether its guess of a password is right. The digest's format is a
// field of 1.1.
func visible(r *request, o *object.Object, wanted func(name string) bool) kmip.Attributes {
	if o.Fresh && slices.Contains(messageOf(r.Call).served, o.ID) {
		o = o.Clone()
		o.Fresh = false
	}
	all := o.Some(r.now, wanted)
	if r.who.Role.SeesAll() && wanted(OwnerAttribute) {
		all = append(all, kmip.TextAttribute(OwnerAttribute, o.Owner))
	}
	i := slices.IndexFunc(all, func(a kmip.Attribute) bool { return a.Name == kmip.AttrDigest })
	switch {
	case i < 0:
	case r.who.Role.SeesAll():
		all = slices.Delete(all, i, i+1)
	case !r.Version.AtLeast(kmip.V1_1):
		all[i].Value = kmip.Digest{Algorithm: kmip.HashSHA256, Value: o.Digest}.TTLV()
	}
	return all
}
