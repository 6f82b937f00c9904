package keyserver

import "github.com/dbkeyring/dbkeyring/kmip"

// rngSeed takes randomness and uses none of it (KMIP 1.2, 4.36 leaves that to the server):
// the kernel's generator needs no client's help.
func (s *Server) rngSeed(r *request, p *kmip.RNGSeedRequest) (*kmip.RNGSeedResponse, error) {
	if p.Data.Len() == 0 {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "there are no Data")
	}
	return &kmip.RNGSeedResponse{DataLength: 0}, nil
}
