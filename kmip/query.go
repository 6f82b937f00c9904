package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// QueryRequest asks a server what it is and can (KMIP 1.4, 4.25).
type QueryRequest struct{ Functions []QueryFunction }

// QueryResponse answers the functions that were asked and leaves the others empty.
type QueryResponse struct {
	Operations            []Operation
	ObjectTypes           []ObjectType
	VendorIdentification  string
	ServerInformation     []ttlv.Field // a structure of the vendor's own
	ApplicationNamespaces []string
	RNGs                  []RNGParameters // since 1.3
	Capabilities          *Capabilities   // since 1.3
}

// Operation is Query.
func (*QueryRequest) Operation() Operation { return OpQuery }

// Operation is Query.
func (*QueryResponse) Operation() Operation { return OpQuery }

// Encode appends the payload's fields.
func (p *QueryRequest) Encode(w *ttlv.Writer, _ Version) {
	for _, f := range p.Functions {
		w.Enumeration(TagQueryFunction, uint32(f))
	}
}

// Decode reads the payload's fields.
func (p *QueryRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		if r.Tag() != TagQueryFunction {
			r.Unexpected()
			return
		}
		p.Functions = append(p.Functions, QueryFunction(r.Enumeration()))
	}
}

// Encode appends the payload's fields.
func (p *QueryResponse) Encode(w *ttlv.Writer, v Version) {
	for _, op := range p.Operations {
		w.Enumeration(TagOperation, uint32(op))
	}
	for _, t := range p.ObjectTypes {
		w.Enumeration(TagObjectType, uint32(t))
	}
	if p.VendorIdentification != "" {
		w.TextString(TagVendorIdentification, p.VendorIdentification)
	}
	if p.ServerInformation != nil {
		w.Value(TagServerInformation, ttlv.StructureValue(p.ServerInformation...))
	}
	for _, n := range p.ApplicationNamespaces {
		w.TextString(TagApplicationNamespace, n)
	}
	if !v.AtLeast(V1_3) {
		return
	}
	for _, g := range p.RNGs {
		w.Value(TagRNGParameters, g.TTLV())
	}
	if p.Capabilities != nil {
		p.Capabilities.Encode(w, v)
	}
}

// Decode reads the payload's fields.
func (p *QueryResponse) Decode(r *ttlv.Reader) {
	for r.Next() {
		switch r.Tag() {
		case TagOperation:
			p.Operations = append(p.Operations, Operation(r.Enumeration()))
		case TagObjectType:
			p.ObjectTypes = append(p.ObjectTypes, ObjectType(r.Enumeration()))
		case TagVendorIdentification:
			p.VendorIdentification = r.TextString()
		case TagServerInformation:
			p.ServerInformation = r.Value().Fields
		case TagApplicationNamespace:
			p.ApplicationNamespaces = append(p.ApplicationNamespaces, r.TextString())
		case TagRNGParameters:
			var g RNGParameters
			g.Decode(r.Structure())
			p.RNGs = append(p.RNGs, g)
		case TagCapabilityInformation:
			p.Capabilities = &Capabilities{}
			p.Capabilities.Decode(r.Structure())
		}
	}
}
