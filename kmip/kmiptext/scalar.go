package kmiptext

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// typeOf returns the type of a name; "" is a Structure.
func typeOf(name string) (ttlv.Type, bool) {
	if name == "" {
		return ttlv.Structure, true
	}
	for t := ttlv.Structure; t <= ttlv.DateTimeExtended; t++ {
		if t.String() == name {
			return t, true
		}
	}
	return 0, false
}

// meaning is the tag whose values a value's names are: an Attribute Value has those of
// the attribute (KMIP Profiles 1.4, 4.1.1.5).
func meaning(tag ttlv.Tag, attribute string) ttlv.Tag {
	if tag == kmip.TagAttributeValue {
		if t, ok := kmip.AttributeTypeOf(attribute); ok {
			return t.Tag
		}
	}
	return tag
}

// nameOf returns the text of an Attribute's name among its fields.
func nameOf(parent ttlv.Tag, fields []*node) string {
	if parent == kmip.TagAttribute {
		for _, f := range fields {
			if f.tag == kmip.TagAttributeName {
				return f.text
			}
		}
	}
	return ""
}

// write appends the item as TTLV. attribute is the name of the attribute that it is in.
func (n *node) write(w *ttlv.Writer, attribute string) error {
	if n.typ == ttlv.Structure {
		mark := w.Begin(n.tag)
		name := nameOf(n.tag, n.children)
		for _, c := range n.children {
			if err := c.write(w, name); err != nil {
				return err
			}
		}
		w.End(mark)
		return nil
	}
	if err := n.writeScalar(w, meaning(n.tag, attribute)); err != nil {
		return fmt.Errorf("%w: %s of type %s: %w", ErrText, kmip.NameOfTag(n.tag), n.typ, err)
	}
	return nil
}

func (n *node) writeScalar(w *ttlv.Writer, names ttlv.Tag) error {
	switch n.typ {
	case ttlv.Integer:
		v, err := integer(n.text, names)
		if err != nil {
			return err
		}
		w.Integer(n.tag, v)
	case ttlv.Enumeration:
		v, ok := kmip.EnumerationOfWord(names, n.text)
		if !ok {
			return fmt.Errorf("there is no value %.64q", n.text)
		}
		w.Enumeration(n.tag, v)
	case ttlv.Interval:
		v, err := number(n.text, 32)
		if err != nil || v < 0 {
			return fmt.Errorf("%.64q is no Interval", n.text)
		}
		w.Interval(n.tag, uint32(v))
	case ttlv.LongInteger, ttlv.DateTimeExtended:
		v, err := number(n.text, 64)
		if err != nil {
			return err
		}
		w.Value(n.tag, ttlv.Value{Type: n.typ, Int: v})
	case ttlv.DateTime:
		v, err := moment(n.text)
		if err != nil {
			return err
		}
		w.Value(n.tag, ttlv.Value{Type: n.typ, Int: v})
	case ttlv.Boolean:
		switch n.text {
		case "true", "1":
			w.Boolean(n.tag, true)
		case "false", "0":
			w.Boolean(n.tag, false)
		default:
			return fmt.Errorf("%.64q is neither true nor false", n.text)
		}
	case ttlv.TextString:
		w.TextString(n.tag, n.text)
	case ttlv.ByteString:
		b, err := hex.DecodeString(n.text)
		if err != nil {
			return fmt.Errorf("it is not hexadecimal")
		}
		w.ByteString(n.tag, b)
		clear(b)
	case ttlv.BigInteger:
		b, err := bigInteger(n.text)
		if err != nil {
			return err
		}
		w.BigInteger(n.tag, b)
		clear(b)
	}
	return nil
}

// number reads decimal digits, or 0x and hexadecimal ones of the type's whole width.
func number(text string, bits int) (int64, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		v, err := strconv.ParseUint(digits, 16, bits)
		if err != nil {
			return 0, fmt.Errorf("%.64q is no number of %d bits", text, bits)
		}
		return int64(v), nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || bits == 32 && v != int64(int32(v)) && v != int64(uint32(v)) {
		return 0, fmt.Errorf("%.64q is no number of %d bits", text, bits)
	}
	return v, nil
}

// integer reads a number, or the names of a mask's bits, which XML separates by blanks and
// JSON by bars.
func integer(text string, names ttlv.Tag) (int32, error) {
	v, err := number(text, 32)
	if err == nil {
		return int32(v), nil
	}
	words := strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == '|' })
	if len(words) == 0 {
		return 0, err
	}
	var mask int32
	for _, word := range words {
		bit, ok := kmip.MaskOfWord(names, word)
		if !ok {
			if n, err := number(word, 32); err == nil && strings.HasPrefix(word, "0x") {
				bit, ok = int32(n), true
			}
		}
		if !ok {
			return 0, fmt.Errorf("%.64q is neither a number nor the name of a bit", word)
		}
		mask |= bit
	}
	return mask, nil
}

// moment reads a time of ISO 8601 with its zone, or a number of seconds in hexadecimal.
func moment(text string) (int64, error) {
	if strings.HasPrefix(text, "0x") {
		return number(text, 64)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%.64q is no moment, such as 2026-01-31T12:00:00Z", text)
	}
	return t.Unix(), nil
}

// bigInteger reads hexadecimal digits, and widens the number to a multiple of 8 bytes.
func bigInteger(text string) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(b) == 0 {
		return nil, fmt.Errorf("it is not hexadecimal")
	}
	fill := byte(0)
	if b[0]&0x80 != 0 {
		fill = 0xFF
	}
	wide := make([]byte, (len(b)+7)&^7)
	for i := range len(wide) - len(b) {
		wide[i] = fill
	}
	copy(wide[len(wide)-len(b):], b)
	clear(b)
	return wide, nil
}

// read takes the reader's current field.
func read(r *ttlv.Reader) *node {
	n := &node{tag: r.Tag(), typ: r.Type()}
	if n.typ == ttlv.Structure {
		for s := r.Structure(); s.Next(); {
			n.children = append(n.children, read(s))
		}
		return n
	}
	n.text = scalar(r, n.tag)
	return n
}

// rename gives values the names that need the attribute's name.
func (n *node) rename() {
	name := nameOf(n.tag, n.children)
	for _, c := range n.children {
		if names := meaning(c.tag, name); names != c.tag {
			switch c.typ {
			case ttlv.Enumeration:
				if v, ok := kmip.EnumerationOfWord(c.tag, c.text); ok {
					c.text = kmip.EnumerationWord(names, v)
				}
			case ttlv.Integer:
				if v, err := number(c.text, 32); err == nil {
					c.text = integerText(names, int32(v))
				}
			}
		}
		c.rename()
	}
}

func integerText(tag ttlv.Tag, v int32) string {
	if words, ok := kmip.MaskWords(tag, v); ok {
		return strings.Join(words, " ")
	}
	return strconv.FormatInt(int64(v), 10)
}

// scalar returns the text of a value.
func scalar(r *ttlv.Reader, tag ttlv.Tag) string {
	switch r.Type() {
	case ttlv.Integer:
		return integerText(tag, r.Integer())
	case ttlv.Enumeration:
		return kmip.EnumerationWord(tag, r.Enumeration())
	case ttlv.Interval:
		return strconv.FormatUint(uint64(r.Interval()), 10)
	case ttlv.TextString:
		return r.TextString()
	case ttlv.ByteString:
		return hex.EncodeToString(r.ByteString())
	case ttlv.BigInteger:
		return hex.EncodeToString(r.BigInteger())
	case ttlv.DateTime:
		return dateTime(r.DateTime())
	case ttlv.Boolean:
		return strconv.FormatBool(r.Boolean())
	}
	return strconv.FormatInt(r.Value().Int, 10) // LongInteger, DateTimeExtended
}

// dateTime writes a moment; one outside the years that ISO 8601 has is a number.
func dateTime(t time.Time) string {
	if y := t.Year(); y < 1 || y > 9999 {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(t.Unix()))
		return "0x" + hex.EncodeToString(b[:])
	}
	return t.Format(time.RFC3339)
}

// decoded turns a whole message into TTLV.
func decoded(n *node) ([]byte, error) {
	if n.typ != ttlv.Structure {
		return nil, fmt.Errorf("%w: %s is no message", ErrText, kmip.NameOfTag(n.tag))
	}
	var w ttlv.Writer
	if err := n.write(&w, ""); err != nil {
		w.Wipe()
		return nil, err
	}
	return w.Bytes(), nil
}

// taken turns a TTLV frame into items.
func taken(frame []byte) (*node, error) {
	r := ttlv.NewFieldsReader(frame)
	if !r.Next() {
		return nil, fmt.Errorf("%w: there is no message", ErrText)
	}
	n := read(r)
	n.rename()
	return n, r.Err()
}
