package keyserver

import (
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// query says what this server can (KMIP 1.4, 4.25). A function that it has no
// answer to is left empty.
func (s *Server) query(r *request, p *kmip.QueryRequest) (*kmip.QueryResponse, error) {
	response := &kmip.QueryResponse{}
	for _, f := range p.Functions {
		switch f {
		case kmip.QueryOperations:
			response.Operations = slices.DeleteFunc(kmip.Operations(), func(op kmip.Operation) bool {
				return !r.Version.AtLeast(op.Since())
			})
		case kmip.QueryObjects:
			response.ObjectTypes = []kmip.ObjectType{kmip.ObjectTypeSymmetricKey, kmip.ObjectTypeSecretData, kmip.ObjectTypeOpaqueObject}
		case kmip.QueryServerInformation:
			response.ServerInformation = []ttlv.Field{} // nothing of our own to say
			response.VendorIdentification = strings.TrimSpace("dbkeyring " + s.o.Version)
		}
	}
	return response, nil
}

// discoverVersions says which versions are common, the newest first (KMIP 1.4, 4.26).
func (s *Server) discoverVersions(p *kmip.DiscoverVersionsRequest) (*kmip.DiscoverVersionsResponse, error) {
	versions := slices.DeleteFunc(kmip.Versions(), func(v kmip.Version) bool {
		return len(s.o.Versions) > 0 && !slices.Contains(s.o.Versions, v) || len(p.Versions) > 0 && !slices.Contains(p.Versions, v)
	})
	return &kmip.DiscoverVersionsResponse{Versions: versions}, nil
}
