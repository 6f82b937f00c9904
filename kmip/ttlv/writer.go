package ttlv

import (
	"encoding/binary"
	"time"
)

// Writer appends items to a buffer. The zero value is ready; Reset keeps the
// buffer for the next message. Nothing that a Writer is given can fail.
type Writer struct {
	buf []byte
}

// NewWriter returns a Writer that appends to buf, which is the Writer's from then
// on: if it becomes too small, it is wiped and replaced, for it may hold a key.
func NewWriter(buf []byte) *Writer { return &Writer{buf: buf} }

// Bytes returns what was written. It is valid until the next write.
func (w *Writer) Bytes() []byte { return w.buf }

// Len returns the number of bytes written.
func (w *Writer) Len() int { return len(w.buf) }

// Truncate forgets what was written after the first n bytes.
func (w *Writer) Truncate(n int) { w.buf = w.buf[:n] }

// Wipe overwrites all that the buffer ever held, for messages with key bytes,
// and empties it.
func (w *Writer) Wipe() {
	clear(w.buf[:cap(w.buf)])
	w.buf = w.buf[:0]
}

// reserve makes room for n bytes.
func (w *Writer) reserve(n int) {
	if n <= cap(w.buf)-len(w.buf) {
		return
	}
	larger := make([]byte, len(w.buf), max(2*cap(w.buf), len(w.buf)+n, 256))
	copy(larger, w.buf)
	clear(w.buf)
	w.buf = larger
}

// header begins an item and makes room for its value.
func (w *Writer) header(tag Tag, typ Type, length int) {
	w.reserve(HeaderSize + padded(length))
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(tag)<<8|uint32(typ))
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(length))
}

func (w *Writer) pad(n int) {
	const zeros = "\x00\x00\x00\x00\x00\x00\x00"
	w.buf = append(w.buf, zeros[:padded(n)-n]...)
}

// Begin opens a structure; give End what it returns.
func (w *Writer) Begin(tag Tag) (mark int) {
	w.header(tag, Structure, 0)
	return len(w.buf)
}

// End closes the structure that Begin opened.
func (w *Writer) End(mark int) {
	binary.BigEndian.PutUint32(w.buf[mark-4:], uint32(len(w.buf)-mark))
}

func (w *Writer) word(tag Tag, typ Type, v uint32) {
	w.header(tag, typ, 4)
	w.buf = binary.BigEndian.AppendUint64(w.buf, uint64(v)<<32)
}

func (w *Writer) long(tag Tag, typ Type, v uint64) {
	w.header(tag, typ, 8)
	w.buf = binary.BigEndian.AppendUint64(w.buf, v)
}

// Integer writes a signed 32-bit number.
func (w *Writer) Integer(tag Tag, v int32) { w.word(tag, Integer, uint32(v)) }

// LongInteger writes a signed 64-bit number.
func (w *Writer) LongInteger(tag Tag, v int64) { w.long(tag, LongInteger, uint64(v)) }

// BigInteger writes a two's complement number, big endian, whose length is a
// multiple of 8.
func (w *Writer) BigInteger(tag Tag, v []byte) {
	w.header(tag, BigInteger, len(v))
	w.buf = append(w.buf, v...)
}

// Enumeration writes a code.
func (w *Writer) Enumeration(tag Tag, v uint32) { w.word(tag, Enumeration, v) }

// Boolean writes true or false.
func (w *Writer) Boolean(tag Tag, v bool) {
	var n uint64
	if v {
		n = 1
	}
	w.long(tag, Boolean, n)
}

// TextString writes text, which has to be UTF-8.
func (w *Writer) TextString(tag Tag, v string) {
	w.header(tag, TextString, len(v))
	w.buf = append(w.buf, v...)
	w.pad(len(v))
}

// ByteString writes bytes.
func (w *Writer) ByteString(tag Tag, v []byte) {
	w.header(tag, ByteString, len(v))
	w.buf = append(w.buf, v...)
	w.pad(len(v))
}

// DateTime writes a moment, cut to the second.
func (w *Writer) DateTime(tag Tag, v time.Time) { w.long(tag, DateTime, uint64(v.Unix())) }

// Interval writes a number of seconds.
func (w *Writer) Interval(tag Tag, seconds uint32) { w.word(tag, Interval, seconds) }

// Fields writes fields that are encoded already.
func (w *Writer) Fields(fields []byte) {
	w.reserve(len(fields))
	w.buf = append(w.buf, fields...)
}

// Value writes a value of any type.
func (w *Writer) Value(tag Tag, v Value) {
	switch v.Type {
	case Structure:
		mark := w.Begin(tag)
		for _, f := range v.Fields {
			w.Value(f.Tag, f.Value)
		}
		w.End(mark)
	case Integer, Enumeration, Interval:
		w.word(tag, v.Type, uint32(v.Int))
	case LongInteger, Boolean, DateTime, DateTimeExtended:
		w.long(tag, v.Type, uint64(v.Int))
	case TextString:
		w.TextString(tag, v.Text)
	case ByteString:
		w.ByteString(tag, v.Bytes)
	case BigInteger:
		w.BigInteger(tag, v.Bytes)
	}
}
