package ttlv

import (
	"bytes"
	"time"
)

// Value is one decoded value of any type. Which field holds it depends on Type;
// the others are zero.
type Value struct {
	Type   Type
	Int    int64   // Integer, LongInteger, Enumeration, Boolean (0 or 1), DateTime, DateTimeExtended, Interval
	Text   string  // TextString
	Bytes  []byte  // ByteString, BigInteger
	Fields []Field // Structure
}

// Field is a tagged value in a structure.
type Field struct {
	Tag   Tag
	Value Value
}

// IntegerValue and its siblings make a Value of their type.
func IntegerValue(v int32) Value { return Value{Type: Integer, Int: int64(v)} }

// LongIntegerValue makes a LongInteger.
func LongIntegerValue(v int64) Value { return Value{Type: LongInteger, Int: v} }

// EnumerationValue makes an Enumeration.
func EnumerationValue(v uint32) Value { return Value{Type: Enumeration, Int: int64(v)} }

// BooleanValue makes a Boolean.
func BooleanValue(v bool) Value {
	if v {
		return Value{Type: Boolean, Int: 1}
	}
	return Value{Type: Boolean}
}

// TextValue makes a TextString.
func TextValue(v string) Value { return Value{Type: TextString, Text: v} }

// BytesValue makes a ByteString; v is kept, not copied.
func BytesValue(v []byte) Value { return Value{Type: ByteString, Bytes: v} }

// DateTimeValue makes a DateTime, cut to the second.
func DateTimeValue(v time.Time) Value { return Value{Type: DateTime, Int: v.Unix()} }

// IntervalValue makes an Interval.
func IntervalValue(seconds uint32) Value { return Value{Type: Interval, Int: int64(seconds)} }

// StructureValue makes a Structure.
func StructureValue(fields ...Field) Value { return Value{Type: Structure, Fields: fields} }

// Time is the moment of a DateTime.
func (v Value) Time() time.Time { return time.Unix(v.Int, 0).UTC() }

// Field returns the first field of a Structure with the tag.
func (v Value) Field(tag Tag) (Value, bool) {
	for _, f := range v.Fields {
		if f.Tag == tag {
			return f.Value, true
		}
	}
	return Value{}, false
}

// Equal compares type and content; in structures the order counts.
func (v Value) Equal(o Value) bool {
	if v.Type != o.Type || v.Int != o.Int || v.Text != o.Text || !bytes.Equal(v.Bytes, o.Bytes) || len(v.Fields) != len(o.Fields) {
		return false
	}
	for i, f := range v.Fields {
		if f.Tag != o.Fields[i].Tag || !f.Value.Equal(o.Fields[i].Value) {
			return false
		}
	}
	return true
}
