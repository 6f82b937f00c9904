// Package ttlv is the binary encoding of KMIP: Tag, Type, Length, Value (KMIP
// 1.4, 9.1). It knows nothing of what the tags mean.
//
// A [Writer] appends to one buffer. A [Reader] walks over received bytes without
// copying them; [Check] looks at a whole frame first, so that nothing later in
// the process meets a length that lies. A [Value] is one decoded value, for what
// has no Go type of its own.
package ttlv

import (
	"errors"
	"fmt"
)

// Tag names a field: 0x42xxxx for the standard's, 0x54xxxx for extensions.
type Tag uint32

// String gives the number; package kmip knows the names.
func (t Tag) String() string { return fmt.Sprintf("0x%06X", uint32(t)) }

// Type says how a value is encoded (KMIP 1.4, 9.1.1.2).
type Type byte

// The item types.
const (
	Structure        Type = 0x01
	Integer          Type = 0x02 // 32 bits, signed
	LongInteger      Type = 0x03 // 64 bits, signed
	BigInteger       Type = 0x04 // two's complement, a multiple of 8 bytes
	Enumeration      Type = 0x05 // 32 bits
	Boolean          Type = 0x06
	TextString       Type = 0x07 // UTF-8
	ByteString       Type = 0x08
	DateTime         Type = 0x09 // seconds since 1970, UTC
	Interval         Type = 0x0A // seconds, 32 bits
	DateTimeExtended Type = 0x0B // microseconds since 1970, UTC; KMIP 2.0
)

var typeNames = [...]string{
	Structure: "Structure", Integer: "Integer", LongInteger: "LongInteger", BigInteger: "BigInteger",
	Enumeration: "Enumeration", Boolean: "Boolean", TextString: "TextString", ByteString: "ByteString",
	DateTime: "DateTime", Interval: "Interval", DateTimeExtended: "DateTimeExtended",
}

// String gives the name that the specification uses.
func (t Type) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return fmt.Sprintf("type 0x%02X", byte(t))
}

// HeaderSize is the number of bytes before each value: 3 of tag, 1 of type, 4 of length.
const HeaderSize = 8

// The kinds of fault in received bytes. Every error of this package wraps one.
var (
	// ErrFrame: the bytes are not TTLV: a length, padding or type is impossible.
	ErrFrame = errors.New("malformed TTLV")
	// ErrType: a field came with another type than the specification gives it.
	ErrType = errors.New("wrong item type")
	// ErrField: a field that the structure does not have, or has once only, or a
	// value that the field cannot take.
	ErrField = errors.New("unexpected field")
)

// padded is the length that n bytes of value take on the wire.
func padded(n int) int { return (n + 7) &^ 7 }

// fixedLength gives the exact length of the types that have one.
func fixedLength(t Type) (n uint32, ok bool) {
	switch t {
	case Integer, Enumeration, Interval:
		return 4, true
	case LongInteger, Boolean, DateTime, DateTimeExtended:
		return 8, true
	}
	return 0, false
}
