package ttlv

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Reader walks over the fields of one structure:
//
//	for r.Next() {
//		switch r.Tag() {
//		case tagName:
//			name = r.TextString()
//		default:
//			r.Skip()
//		}
//	}
//	return r.Err()
//
// The first fault sticks, ends the loop, and is what Err returns. A Reader for a
// nested structure shares the fault with the Reader it came from, so that one
// look at Err is enough.
type Reader struct {
	rest  []byte // what follows the current item
	value []byte // the current item's value
	head  header
	*shared
}

// shared is what the Readers of one message have in common.
type shared struct {
	fault   error
	edition int32
}

// newRoot returns a Reader that shares with its own only, in one allocation.
func newRoot(rest []byte, own shared) *Reader {
	x := &struct {
		Reader
		own shared
	}{Reader{rest: rest}, own}
	x.shared = &x.own
	return &x.Reader
}

// NewReader returns a Reader over the fields of the single structure in b,
// which has to have the tag. Run Check over b first when it comes from outside.
func NewReader(b []byte, tag Tag) *Reader {
	r := newRoot(nil, shared{})
	h, err := parseHeader(b)
	switch {
	case err != nil:
		r.fault = err
	case h.tag != tag:
		r.fault = fmt.Errorf("%w: %s instead of %s", ErrField, h.tag, tag)
	case h.typ != Structure:
		r.fault = fmt.Errorf("%w: %s is a Structure, not %s", ErrType, tag, h.typ)
	default:
		r.rest = b[HeaderSize : HeaderSize+h.length]
	}
	return r
}

// NewFieldsReader returns a Reader over fields that stand in no structure, as
// [Reader.Fields] gives them.
func NewFieldsReader(fields []byte) *Reader {
	return newRoot(fields, shared{})
}

// Next goes to the next field. It returns false at the end and after a fault.
func (r *Reader) Next() bool {
	if r.fault != nil || len(r.rest) == 0 {
		return false
	}
	h, err := parseHeader(r.rest)
	if err != nil {
		r.fault = err
		return false
	}
	r.head = h
	r.value = r.rest[HeaderSize : HeaderSize+h.length]
	r.rest = r.rest[h.size:]
	return true
}

// Tag returns the current field's tag.
func (r *Reader) Tag() Tag { return r.head.tag }

// Type returns the current field's type.
func (r *Reader) Type() Type { return r.head.typ }

// Err returns the first fault.
func (r *Reader) Err() error { return r.fault }

// Fail records a fault of meaning, unless there is one already.
func (r *Reader) Fail(err error) {
	if r.fault == nil {
		r.fault = err
	}
}

// SetEdition tells the decoders of a message which edition of the format it is in.
// What the numbers mean is the caller's affair: package kmip sets the major version
// of the protocol. 0 is the edition before one is set.
func (r *Reader) SetEdition(n int32) { r.edition = n }

// Edition returns what SetEdition was given on this Reader or on one that it came from.
func (r *Reader) Edition() int32 { return r.edition }

// Skip passes over the current field. It is there to be read: a decoder says
// what it ignores.
func (r *Reader) Skip() {}

// Unexpected records that the current field does not belong here.
func (r *Reader) Unexpected() {
	r.Fail(fmt.Errorf("%w: %s does not belong here", ErrField, r.head.tag))
}

func (r *Reader) is(t Type) bool {
	if r.head.typ == t {
		return true
	}
	r.Fail(fmt.Errorf("%w: %s is of type %s, not %s", ErrType, r.head.tag, t, r.head.typ))
	return false
}

// Integer returns the current field as a signed 32-bit number.
func (r *Reader) Integer() int32 {
	if !r.is(Integer) {
		return 0
	}
	return int32(binary.BigEndian.Uint32(r.value))
}

// LongInteger returns the current field as a signed 64-bit number.
func (r *Reader) LongInteger() int64 {
	if !r.is(LongInteger) {
		return 0
	}
	return int64(binary.BigEndian.Uint64(r.value))
}

// Enumeration returns the current field as a code.
func (r *Reader) Enumeration() uint32 {
	if !r.is(Enumeration) {
		return 0
	}
	return binary.BigEndian.Uint32(r.value)
}

// Boolean returns the current field as true or false.
func (r *Reader) Boolean() bool {
	return r.is(Boolean) && binary.BigEndian.Uint64(r.value) != 0
}

// TextString returns a copy of the current field's text.
func (r *Reader) TextString() string {
	if !r.is(TextString) {
		return ""
	}
	return string(r.value)
}

// TextBytes returns the current field's text itself, not a copy.
func (r *Reader) TextBytes() []byte {
	if !r.is(TextString) {
		return nil
	}
	return r.value
}

// ByteString returns the current field's bytes themselves, not a copy.
func (r *Reader) ByteString() []byte {
	if !r.is(ByteString) {
		return nil
	}
	return r.value
}

// DateTime returns the current field as a moment in UTC.
func (r *Reader) DateTime() time.Time {
	if !r.is(DateTime) {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(r.value)), 0).UTC()
}

// Interval returns the current field as a number of seconds.
func (r *Reader) Interval() uint32 {
	if !r.is(Interval) {
		return 0
	}
	return binary.BigEndian.Uint32(r.value)
}

// Structure returns a Reader over the current field's own fields.
func (r *Reader) Structure() *Reader {
	sub := &Reader{shared: r.shared}
	if r.is(Structure) {
		sub.rest = r.value
	}
	return sub
}

// Fields returns the encoded fields of the current field, a Structure: its bytes
// themselves, not a copy.
func (r *Reader) Fields() []byte {
	if !r.is(Structure) {
		return nil
	}
	return r.value
}

// BigInteger returns the current field's bytes themselves, not a copy: a number in
// two's complement, big endian.
func (r *Reader) BigInteger() []byte {
	if !r.is(BigInteger) {
		return nil
	}
	return r.value
}

// Isolated is Structure with a fault of its own: what is wrong inside leaves the
// outer Reader in order. A batch item's payload is read so.
func (r *Reader) Isolated() *Reader {
	sub := newRoot(nil, *r.shared)
	if r.is(Structure) {
		sub.rest = r.value
	} else {
		sub.fault = r.fault
	}
	return sub
}

// Value returns a copy of the current field, whatever its type.
func (r *Reader) Value() Value {
	v := Value{Type: r.head.typ}
	switch r.head.typ {
	case Structure:
		for sub := r.Structure(); sub.Next(); {
			if v.Fields == nil {
				v.Fields = make([]Field, 0, 2) // as most have
			}
			v.Fields = append(v.Fields, Field{sub.Tag(), sub.Value()})
		}
	case Integer:
		v.Int = int64(r.Integer())
	case Enumeration, Interval:
		v.Int = int64(binary.BigEndian.Uint32(r.value))
	case LongInteger, Boolean, DateTime, DateTimeExtended:
		v.Int = int64(binary.BigEndian.Uint64(r.value))
	case TextString:
		v.Text = string(r.value)
	case ByteString, BigInteger:
		v.Bytes = append([]byte{}, r.value...)
	}
	return v
}
