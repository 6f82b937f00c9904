package keyserver

import (
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// maxRandom is how many random bytes there are at a time: enough for the longest
// key of a database.
const maxRandom = keyring.MaxKeySize

// rngRetrieve gives out random bytes (KMIP 1.2, 4.35).
func (s *Server) rngRetrieve(r *request, p *kmip.RNGRetrieveRequest) (*kmip.RNGRetrieveResponse, error) {
	if p.Length < 1 || p.Length > maxRandom {
		return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Data Length is %d; it may be 1 to %d", p.Length, maxRandom)
	}
	return &kmip.RNGRetrieveResponse{Data: secret.Random(int(p.Length))}, nil
}
