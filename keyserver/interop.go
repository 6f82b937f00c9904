package keyserver

import "github.com/dbkeyring/dbkeyring/kmip"

// interop takes note of a test's begin and end. It never forgets keys for one: that is what
// Reset asks for.
func (s *Server) interop(p *kmip.InteropRequest) (*kmip.InteropResponse, error) {
	switch p.Function {
	case kmip.InteropBegin, kmip.InteropEnd:
		return &kmip.InteropResponse{}, nil
	case kmip.InteropReset:
		return nil, kmip.Errorf(kmip.ReasonPermissionDenied, "this server does not forget its keys: destroy those of a test one by one")
	}
	return nil, kmip.Errorf(kmip.ReasonInvalidField, "the Interop Function %s is unknown", p.Function).In2(kmip.ReasonUnknownEnumeration)
}
