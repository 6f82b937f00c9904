package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// DiscoverVersionsRequest asks which versions a server speaks (KMIP 1.4, 4.26,
// since 1.1). Versions are those of the client in its order of preference; none
// asks for all of the server's.
type DiscoverVersionsRequest struct{ Versions []Version }

// DiscoverVersionsResponse lists the common versions, the server's favourite first.
type DiscoverVersionsResponse struct{ Versions []Version }

// Operation is DiscoverVersions.
func (*DiscoverVersionsRequest) Operation() Operation { return OpDiscoverVersions }

// Operation is DiscoverVersions.
func (*DiscoverVersionsResponse) Operation() Operation { return OpDiscoverVersions }

// Encode appends the payload's fields.
func (p *DiscoverVersionsRequest) Encode(w *ttlv.Writer, _ Version) { encodeVersions(w, p.Versions) }

// Decode reads the payload's fields.
func (p *DiscoverVersionsRequest) Decode(r *ttlv.Reader) { p.Versions = decodeVersions(r) }

// Encode appends the payload's fields.
func (p *DiscoverVersionsResponse) Encode(w *ttlv.Writer, _ Version) { encodeVersions(w, p.Versions) }

// Decode reads the payload's fields.
func (p *DiscoverVersionsResponse) Decode(r *ttlv.Reader) { p.Versions = decodeVersions(r) }

func encodeVersions(w *ttlv.Writer, versions []Version) {
	for _, v := range versions {
		v.encode(w)
	}
}

func decodeVersions(r *ttlv.Reader) (versions []Version) {
	for r.Next() {
		if r.Tag() != TagProtocolVersion {
			r.Unexpected()
			break
		}
		versions = append(versions, decodeVersion(r))
	}
	return versions
}
