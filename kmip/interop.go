package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// InteropRequest tells a server that a test begins or ends, or to forget what tests have left
// (KMIP 2.0, since which it is there).
type InteropRequest struct {
	Function   InteropFunction
	Identifier string // of the test
}

// InteropResponse is empty.
type InteropResponse struct{}

// Operation is Interop.
func (*InteropRequest) Operation() Operation { return OpInterop }

// Operation is Interop.
func (*InteropResponse) Operation() Operation { return OpInterop }

// Encode appends the payload's fields.
func (p *InteropRequest) Encode(w *ttlv.Writer, _ Version) {
	w.Enumeration(TagInteropFunction, uint32(p.Function))
	w.TextString(TagInteropIdentifier, p.Identifier)
}

// Decode reads the payload's fields.
func (p *InteropRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagInteropFunction:
			p.Function = InteropFunction(r.Enumeration())
		case TagInteropIdentifier:
			p.Identifier = r.TextString()
		default:
			r.Unexpected()
		}
	}
}

// Encode appends nothing.
func (*InteropResponse) Encode(*ttlv.Writer, Version) {}

// Decode reads nothing.
func (*InteropResponse) Decode(*ttlv.Reader) {}
