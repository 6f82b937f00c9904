// Package kmiptext is the XML and the JSON encoding of KMIP messages (KMIP Profiles
// 1.4, 4.1 and 4.2), both ways between them and TTLV. What a message means is package
// kmip's affair; of it this package knows the names of tags and values.
//
// A message is read as strictly as TTLV is: unknown names, types and forms are faults,
// depth and number of items are bounded, and no entity is expanded.
//
// Texts are strings of Go: what key bytes a message has go through the garbage
// collector's memory, unlike those of a TTLV message.
package kmiptext

import (
	"errors"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Format is one of the encodings.
type Format interface {
	// Encode returns the text of a TTLV frame, which [ttlv.Check] has passed.
	Encode(frame []byte) ([]byte, error)
	// Decode returns the TTLV frame of a text. Every error wraps [ErrText].
	Decode(text []byte) ([]byte, error)
}

var (
	// XML is the XML encoding.
	XML Format = xmlFormat{}
	// JSON is the JSON encoding.
	JSON Format = jsonFormat{}
)

// ErrText is the kind of every fault in a text.
var ErrText = errors.New("malformed KMIP text")

const (
	maxDepth = 32
	maxNodes = 100_000
)

// node is an item of a message.
type node struct {
	tag      ttlv.Tag
	typ      ttlv.Type
	text     string // of all but a Structure
	children []*node
}
