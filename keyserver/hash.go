package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// hash hashes data (KMIP 1.2, 4.37).
func (s *Server) hash(r *request, p *kmip.HashRequest) (response *kmip.HashResponse, err error) {
	u, err := s.begin(r, operation{p.Operation(), p.Part, "", p.Parameters, 0, func(*usable) (work, error) {
		if p.Parameters == nil {
			return nil, kmip.Errorf(kmip.ReasonMissingData, "there are no Cryptographic Parameters, which give the Hashing Algorithm")
		}
		h, err := cryptography.NewHash(*p.Parameters)
		if err != nil {
			return nil, err
		}
		return hashing{h}, nil
	}})
	if err != nil {
		return nil, err
	}
	response = &kmip.HashResponse{}
	defer func() { response.Correlation = u.end(&err) }()
	h, err := u.hash(p.Data)
	if err != nil {
		return response, err
	}
	if u.last {
		response.Digest = h.Sum(nil)
	}
	return response, err
}
