package ttlv

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// Limits bounds what a frame may make us do. The zero value of each field
// stands for its default.
type Limits struct {
	Depth int // nested structures; default 32
	Items int // items in a frame; default 100,000
}

const (
	defaultDepth = 32
	defaultItems = 100_000
)

// FrameSize returns the size in bytes of the frame whose first HeaderSize bytes
// are given, header included. It does not judge the size: the caller has a limit.
func FrameSize(header []byte) (int64, error) {
	if len(header) < HeaderSize {
		return 0, fmt.Errorf("%w: a header has %d bytes, not %d", ErrFrame, HeaderSize, len(header))
	}
	if Type(header[3]) != Structure {
		return 0, fmt.Errorf("%w: a message is a Structure, not %s", ErrFrame, Type(header[3]))
	}
	n := binary.BigEndian.Uint32(header[4:])
	if n%8 != 0 {
		return 0, fmt.Errorf("%w: a Structure's length is a multiple of 8, not %d", ErrFrame, n)
	}
	return int64(n) + HeaderSize, nil
}

// Check says whether b is exactly one well-formed item: every length fits its
// type and its parent, padding is zero, text is UTF-8, a Boolean is 0 or 1, and
// the limits hold. A Reader over checked bytes meets only faults of meaning.
func Check(b []byte, l Limits) error {
	if l.Depth == 0 {
		l.Depth = defaultDepth
	}
	if l.Items == 0 {
		l.Items = defaultItems
	}
	n, err := check(b, l.Depth, &l.Items)
	if err != nil {
		return err
	}
	if n != len(b) {
		return fmt.Errorf("%w: %d bytes after the message", ErrFrame, len(b)-n)
	}
	return nil
}

// check walks over the first item of b and returns its size on the wire.
func check(b []byte, depth int, items *int) (int, error) {
	if *items--; *items < 0 {
		return 0, fmt.Errorf("%w: too many items", ErrFrame)
	}
	h, err := parseHeader(b)
	if err != nil {
		return 0, err
	}
	value := b[HeaderSize : HeaderSize+h.length]
	for _, p := range b[HeaderSize+h.length : h.size] {
		if p != 0 {
			return 0, fmt.Errorf("%w: padding of %s is not zero", ErrFrame, h.tag)
		}
	}
	switch h.typ {
	case Structure:
		if depth == 0 {
			return 0, fmt.Errorf("%w: structures nested too deep", ErrFrame)
		}
		for len(value) > 0 {
			n, err := check(value, depth-1, items)
			if err != nil {
				return 0, err
			}
			value = value[n:]
		}
	case Boolean:
		if v := binary.BigEndian.Uint64(value); v > 1 {
			return 0, fmt.Errorf("%w: Boolean %s is %d", ErrFrame, h.tag, v)
		}
	case TextString:
		if !utf8.Valid(value) {
			return 0, fmt.Errorf("%w: text of %s is not UTF-8", ErrFrame, h.tag)
		}
	}
	return h.size, nil
}

type header struct {
	tag    Tag
	typ    Type
	length int // of the value
	size   int // of the whole item, padding included
}

// lengths says of each type which lengths it has: those with length & mask == want.
// BigInteger is not among them: 0 is none of its lengths.
var lengths = [16]struct{ mask, want uint32 }{
	Structure: {7, 0}, Integer: {^uint32(0), 4}, LongInteger: {^uint32(0), 8}, Enumeration: {^uint32(0), 4}, Boolean: {^uint32(0), 8},
	TextString: {0, 0}, ByteString: {0, 0}, DateTime: {^uint32(0), 8}, Interval: {^uint32(0), 4}, DateTimeExtended: {^uint32(0), 8},
	0: none, BigInteger: none, 12: none, 13: none, 14: none, 15: none,
}

var none = struct{ mask, want uint32 }{0, 1}

// parseHeader reads the header of b's first item and checks that the item fits
// its type and b.
func parseHeader(b []byte) (header, error) {
	if len(b) < HeaderSize || b[3] >= byte(len(lengths)) {
		return diagnoseHeader(b)
	}
	n := binary.BigEndian.Uint32(b[4:])
	size := uint64(HeaderSize) + (uint64(n)+7)&^7
	if l := lengths[b[3]]; n&l.mask != l.want || size > uint64(len(b)) {
		return diagnoseHeader(b)
	}
	return header{tag: Tag(binary.BigEndian.Uint32(b) >> 8), typ: Type(b[3]), length: int(n), size: int(size)}, nil
}

// diagnoseHeader is parseHeader for what is not in order, or seldom.
func diagnoseHeader(b []byte) (header, error) {
	if len(b) < HeaderSize {
		return header{}, fmt.Errorf("%w: %d bytes are no item", ErrFrame, len(b))
	}
	h := header{tag: Tag(binary.BigEndian.Uint32(b) >> 8), typ: Type(b[3])}
	n := binary.BigEndian.Uint32(b[4:])
	if h.typ < Structure || h.typ > DateTimeExtended {
		return header{}, fmt.Errorf("%w: %s has %s", ErrFrame, h.tag, h.typ)
	}
	if want, fixed := fixedLength(h.typ); fixed && n != want {
		return header{}, fmt.Errorf("%w: %s %s has length %d, not %d", ErrFrame, h.typ, h.tag, n, want)
	}
	if h.typ == Structure && n%8 != 0 || h.typ == BigInteger && (n == 0 || n%8 != 0) {
		return header{}, fmt.Errorf("%w: %s %s has length %d", ErrFrame, h.typ, h.tag, n)
	}
	size := int64(HeaderSize) + (int64(n)+7)&^7
	if size > int64(len(b)) {
		return header{}, fmt.Errorf("%w: %s claims %d bytes of %d", ErrFrame, h.tag, n, len(b)-HeaderSize)
	}
	h.length, h.size = int(n), int(size)
	return h, nil
}
