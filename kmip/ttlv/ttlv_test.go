package ttlv_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

const tag = ttlv.Tag(0x420020)

// The examples of KMIP 1.4, 9.1.2.
var examples = []struct {
	name  string
	write func(*ttlv.Writer)
	hex   string
	value ttlv.Value
}{
	{"Integer 8", func(w *ttlv.Writer) { w.Integer(tag, 8) }, "42002002 00000004 0000000800000000", ttlv.IntegerValue(8)},
	{"Integer -1", func(w *ttlv.Writer) { w.Integer(tag, -1) }, "42002002 00000004 FFFFFFFF00000000", ttlv.IntegerValue(-1)},
	{"Long Integer 123456789000000000", func(w *ttlv.Writer) { w.LongInteger(tag, 123456789000000000) }, "42002003 00000008 01B69B4BA5749200", ttlv.LongIntegerValue(123456789000000000)},
	{"Big Integer", func(w *ttlv.Writer) { w.BigInteger(tag, unhex("0000000003FD35EB6BC2DF4618080000")) }, "42002004 00000010 0000000003FD35EB6BC2DF4618080000",
		ttlv.Value{Type: ttlv.BigInteger, Bytes: unhex("0000000003FD35EB6BC2DF4618080000")}},
	{"Enumeration 255", func(w *ttlv.Writer) { w.Enumeration(tag, 255) }, "42002005 00000004 000000FF00000000", ttlv.EnumerationValue(255)},
	{"Boolean true", func(w *ttlv.Writer) { w.Boolean(tag, true) }, "42002006 00000008 0000000000000001", ttlv.BooleanValue(true)},
	{"Text String", func(w *ttlv.Writer) { w.TextString(tag, "Hello World") }, "42002007 0000000B 48656C6C6F20576F726C640000000000", ttlv.TextValue("Hello World")},
	{"Byte String", func(w *ttlv.Writer) { w.ByteString(tag, []byte{1, 2, 3}) }, "42002008 00000003 0102030000000000", ttlv.BytesValue([]byte{1, 2, 3})},
	{"Date-Time", func(w *ttlv.Writer) { w.DateTime(tag, time.Date(2008, 3, 14, 11, 56, 40, 0, time.UTC)) }, "42002009 00000008 0000000047DA67F8",
		ttlv.DateTimeValue(time.Unix(0x47DA67F8, 0))},
	{"Interval, 10 days", func(w *ttlv.Writer) { w.Interval(tag, 864000) }, "4200200A 00000004 000D2F0000000000", ttlv.IntervalValue(864000)},
	{"Structure", func(w *ttlv.Writer) {
		m := w.Begin(tag)
		w.Enumeration(0x420004, 254)
		w.Integer(0x420005, 255)
		w.End(m)
	}, "42002001 00000020 42000405 00000004 000000FE00000000 42000502 00000004 000000FF00000000",
		ttlv.StructureValue(ttlv.Field{Tag: 0x420004, Value: ttlv.EnumerationValue(254)}, ttlv.Field{Tag: 0x420005, Value: ttlv.IntegerValue(255)})},
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestExamplesOfTheSpecification(t *testing.T) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			var w ttlv.Writer
			e.write(&w)
			if diff := cmp.Diff(unhex(e.hex), w.Bytes()); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			if err := ttlv.Check(w.Bytes(), ttlv.Limits{}); err != nil {
				t.Error(err)
			}
			outer := ttlv.NewWriter(nil)
			m := outer.Begin(1)
			outer.Value(tag, e.value)
			outer.End(m)
			r := ttlv.NewReader(outer.Bytes(), 1)
			if !r.Next() || r.Tag() != tag {
				t.Fatal(r.Err())
			}
			if diff := cmp.Diff(e.value, r.Value()); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			if r.Next() || r.Err() != nil {
				t.Errorf("more than one field, or %v", r.Err())
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	deep := ttlv.NewWriter(nil)
	for range 40 {
		deep.Begin(tag)
	}
	nested := deep.Bytes()
	for i := 39; i >= 0; i-- {
		deep.End((i + 1) * 8)
	}
	many := ttlv.NewWriter(nil)
	m := many.Begin(tag)
	for range 100_001 {
		many.Integer(tag, 1)
	}
	many.End(m)
	cases := map[string][]byte{
		"nothing":                       {},
		"half a header":                 unhex("42002002 0000"),
		"Integer of length 0":           unhex("42002002 00000000"),
		"Integer of length 2":           unhex("42002002 00000002 0001000000000000"),
		"Enumeration of length 8":       unhex("42002005 00000008 0000000000000001"),
		"Boolean of length 4":           unhex("42002006 00000004 0000000100000000"),
		"Boolean 2":                     unhex("42002006 00000008 0000000000000002"),
		"DateTime of length 4":          unhex("42002009 00000004 0000000100000000"),
		"Big Integer of length 0":       unhex("42002004 00000000"),
		"Big Integer of length 4":       unhex("42002004 00000004 0000000000000000"),
		"Structure of length 4":         unhex("42002001 00000004 0000000000000000"),
		"unknown type 0":                unhex("42002000 00000000"),
		"unknown type 12":               unhex("4200200C 00000000"),
		"length past the end":           unhex("42002008 FFFFFF00 0000000000000000"),
		"inner length past its parent":  unhex("42002001 00000008 42002008 00000008 0000000000000000"),
		"padding that is not zero":      unhex("42002008 00000003 0102030000000001"),
		"padding of an Integer":         unhex("42002002 00000004 0000000800000001"),
		"text that is not UTF-8":        unhex("42002007 00000002 C328000000000000"),
		"bytes after the item":          unhex("42002002 00000004 0000000800000000 00"),
		"40 nested structures":          nested,
		"more than a hundred thousands": many.Bytes(),
	}
	for name, b := range cases {
		if err := ttlv.Check(b, ttlv.Limits{}); !errors.Is(err, ttlv.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReader_WrongTypeAndTagStick(t *testing.T) {
	var w ttlv.Writer
	m := w.Begin(tag)
	w.Integer(1, 5)
	w.TextString(2, "x")
	w.End(m)
	r := ttlv.NewReader(w.Bytes(), tag)
	r.Next()
	if r.TextString() != "" || !errors.Is(r.Err(), ttlv.ErrType) {
		t.Errorf("an Integer was read as text: %v", r.Err())
	}
	if r.Next() {
		t.Error("Next went on after a fault")
	}
	if r := ttlv.NewReader(w.Bytes(), 7); r.Next() || !errors.Is(r.Err(), ttlv.ErrField) {
		t.Errorf("another tag was taken: %v", r.Err())
	}
}

func FuzzCheckedBytesNeverFailToRead(f *testing.F) {
	for _, e := range examples {
		f.Add(unhex(e.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if ttlv.Check(b, ttlv.Limits{}) != nil || ttlv.Type(b[3]) != ttlv.Structure {
			return
		}
		tag := ttlv.Tag(uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]))
		var fields []ttlv.Field
		r := ttlv.NewReader(b, tag)
		for r.Next() {
			fields = append(fields, ttlv.Field{Tag: r.Tag(), Value: r.Value()})
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		var w ttlv.Writer
		w.Value(tag, ttlv.StructureValue(fields...))
		if string(w.Bytes()) != string(b) {
			t.Errorf("%x was written again as %x", b, w.Bytes())
		}
	})
}
