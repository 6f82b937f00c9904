package kmipserver

import "sync/atomic"

// Stats counts connections, of all ports that share it. The zero value is ready, and
// all of it may be read at any time.
type Stats struct {
	Open             atomic.Int64  // now
	Accepted         atomic.Uint64 // whether their handshake went well or not
	Refused          atomic.Uint64 // closed because there are too many
	HandshakesFailed atomic.Uint64
}
