package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// LogRequest has the server write a message into its log (KMIP 2.0, since which it is there).
type LogRequest struct{ Message string }

// LogResponse is empty.
type LogResponse struct{}

// Operation is Log.
func (*LogRequest) Operation() Operation { return OpLog }

// Operation is Log.
func (*LogResponse) Operation() Operation { return OpLog }

// Encode appends the payload's fields.
func (p *LogRequest) Encode(w *ttlv.Writer, _ Version) { w.TextString(TagLogMessage, p.Message) }

// Decode reads the payload's fields.
func (p *LogRequest) Decode(r *ttlv.Reader) {
	for r.Next() {
		if r.Tag() != TagLogMessage {
			r.Unexpected()
			return
		}
		p.Message = r.TextString()
	}
}

// Encode appends nothing.
func (*LogResponse) Encode(*ttlv.Writer, Version) {}

// Decode reads nothing.
func (*LogResponse) Decode(*ttlv.Reader) {}
