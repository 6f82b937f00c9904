package kmip

import "github.com/dbkeyring/dbkeyring/kmip/ttlv"

// PingRequest asks whether the server answers (KMIP 2.1, since which it is there).
type PingRequest struct{}

// PingResponse is empty.
type PingResponse struct{}

// Operation is Ping.
func (*PingRequest) Operation() Operation { return OpPing }

// Operation is Ping.
func (*PingResponse) Operation() Operation { return OpPing }

// Encode appends nothing.
func (*PingRequest) Encode(*ttlv.Writer, Version) {}

// Decode refuses all fields.
func (*PingRequest) Decode(r *ttlv.Reader) {
	if r.Next() {
		r.Unexpected()
	}
}

// Encode appends nothing.
func (*PingResponse) Encode(*ttlv.Writer, Version) {}

// Decode reads nothing.
func (*PingResponse) Decode(*ttlv.Reader) {}
