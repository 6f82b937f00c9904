package keyserver

import (
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyserver/object"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// query says what this server can (KMIP 1.4, 4.25). The other functions have empty
// answers, which are true ones: it makes up no Application Data, has no extensions, asks for no
// attestation, was validated by no authority, claims no profile by name and registers no
// clients over KMIP.
func (s *Server) query(r *request, p *kmip.QueryRequest) (*kmip.QueryResponse, error) {
	response := &kmip.QueryResponse{}
	for _, f := range p.Functions {
		switch f {
		case kmip.QueryOperations:
			response.Operations = slices.DeleteFunc(kmip.Operations(), func(op kmip.Operation) bool {
				return !r.Version.AtLeast(op.Since())
			})
		case kmip.QueryObjects:
			response.ObjectTypes = []kmip.ObjectType{kmip.ObjectTypeSymmetricKey, kmip.ObjectTypeSecretData, kmip.ObjectTypeOpaqueObject,
				kmip.ObjectTypeCertificate, kmip.ObjectTypePublicKey, kmip.ObjectTypePrivateKey, kmip.ObjectTypeSplitKey}
			if r.Version.Major < 2 {
				response.ObjectTypes = append(response.ObjectTypes, kmip.ObjectTypeTemplate)
			}
			if r.Version.AtLeast(kmip.V1_2) {
				response.ObjectTypes = append(response.ObjectTypes, kmip.ObjectTypePGPKey)
			}
		case kmip.QueryRNGs:
			response.RNGs = []kmip.RNGParameters{object.Generator()}
		case kmip.QueryCapabilities:
			response.Capabilities = &kmip.Capabilities{
				Streaming: true, BatchUndo: true, BatchContinue: true,
				Unwrap: kmip.UnwrapNotProcessed, Destroy: kmip.DestroyKeyMaterialDeleted, Shredding: kmip.ShreddingUnsupported,
				RNG: kmip.RNGModeSharedInstantiation,
			}
		case kmip.QueryServerInformation:
			response.ServerInformation = s.information(r.Version)
			response.VendorIdentification = strings.TrimSpace("dbkeyring " + s.o.Version)
		}
	}
	return response, nil
}

// information is what the server says of itself. Before 2.0 there are no fields for it.
func (s *Server) information(v kmip.Version) []ttlv.Field {
	fields := []ttlv.Field{}
	if v.Major < 2 {
		return fields
	}
	if s.o.Version != "" {
		fields = append(fields, ttlv.Field{Tag: kmip.TagServerVersion, Value: ttlv.TextValue(s.o.Version)})
	}
	return append(fields, ttlv.Field{Tag: kmip.TagProductName, Value: ttlv.TextValue("dbkeyring")})
}

// discoverVersions says which versions are common, the newest first (KMIP 1.4, 4.26).
func (s *Server) discoverVersions(p *kmip.DiscoverVersionsRequest) (*kmip.DiscoverVersionsResponse, error) {
	versions := slices.DeleteFunc(kmip.Versions(), func(v kmip.Version) bool {
		return len(s.o.Versions) > 0 && !slices.Contains(s.o.Versions, v) || len(p.Versions) > 0 && !slices.Contains(p.Versions, v)
	})
	return &kmip.DiscoverVersionsResponse{Versions: versions}, nil
}
