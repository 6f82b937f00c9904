package kmip

import (
	"bytes"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Part is a request's place among several that bring the data of one operation in parts
// (KMIP 1.3, 4.29 and after). The zero value is data in one request.
type Part struct {
	Init  bool // the first part, whose response has a Correlation Value
	Final bool // the last part
	// Correlation is what the response to the first part gave; nil in the first.
	Correlation []byte
}

// Single says that all data is in one request.
func (p *Part) Single() bool { return p.Correlation == nil && p.Init == p.Final }

func (p *Part) encode(w *ttlv.Writer) {
	if p.Correlation != nil {
		w.ByteString(TagCorrelationValue, p.Correlation)
	}
	if p.Init {
		w.Boolean(TagInitIndicator, true)
	}
	if p.Final {
		w.Boolean(TagFinalIndicator, true)
	}
}

// decode reads the current field if it is one of a Part's, and refuses any other.
func (p *Part) decode(r *ttlv.Reader) {
	switch r.Tag() {
	case TagCorrelationValue:
		p.Correlation = bytes.Clone(r.ByteString())
	case TagInitIndicator:
		p.Init = r.Boolean()
	case TagFinalIndicator:
		p.Final = r.Boolean()
	default:
		r.Unexpected()
	}
}

// writeBytes leaves out what is not there.
func writeBytes(w *ttlv.Writer, tag ttlv.Tag, b []byte) {
	if b != nil {
		w.ByteString(tag, b)
	}
}
