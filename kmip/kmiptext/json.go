package kmiptext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

type jsonFormat struct{}

// Encode implements [Format].
func (jsonFormat) Encode(frame []byte) ([]byte, error) {
	n, err := taken(frame)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = n.json(&b)
	return b.Bytes(), err
}

// json appends the item.
func (n *node) json(b *bytes.Buffer) error {
	if n.typ != ttlv.Structure {
		value, err := json.Marshal(n.text)
		if err != nil {
			return err
		}
		switch n.typ {
		case ttlv.Integer:
			if _, err := number(n.text, 32); err == nil {
				value = []byte(n.text)
			} else {
				value = bytes.ReplaceAll(value, []byte(" "), []byte("|"))
			}
		case ttlv.Boolean, ttlv.Interval:
			value = []byte(n.text)
		case ttlv.LongInteger:
			// Many readers take numbers for floating ones of 53 bits.
			if v, err := number(n.text, 64); err == nil && (v > 1<<52 || v < -(1<<52)) {
				value = fmt.Appendf(nil, `"0x%016x"`, uint64(v))
			} else {
				value = []byte(n.text)
			}
		case ttlv.BigInteger:
			value = []byte(`"0x` + n.text + `"`)
		}
		fmt.Fprintf(b, `{"tag":%q,"type":%q,"value":%s}`, kmip.TagWord(n.tag), n.typ, value)
		return nil
	}
	fmt.Fprintf(b, `{"tag":%q,"value":[`, kmip.TagWord(n.tag))
	for i, c := range n.children {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := c.json(b); err != nil {
			return err
		}
	}
	b.WriteString("]}")
	return nil
}

// Decode implements [Format].
func (jsonFormat) Decode(text []byte) ([]byte, error) {
	n, err := readJSON(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	return decoded(n)
}

func readJSON(text []byte) (*node, error) {
	if !utf8.Valid(text) { // a decoder of Go's would put other characters in their place
		return nil, errors.New("it is not UTF-8")
	}
	j := jsonReader{d: json.NewDecoder(bytes.NewReader(text))}
	j.d.UseNumber()
	if err := j.open('{'); err != nil {
		return nil, err
	}
	n, err := j.item(1)
	if err != nil {
		return nil, err
	}
	if _, err := j.d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one message")
	}
	return n, nil
}

// jsonReader reads a text token by token, each once: an item that is read as a whole is
// read again at each of its levels, and a client could make that as slow as it likes.
type jsonReader struct {
	d     *json.Decoder
	nodes int
}

// open reads the beginning of an object or an array.
func (j *jsonReader) open(want json.Delim) error {
	t, err := j.d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("a %s is expected", want)
	}
	return err
}

// item reads the fields of an object that has begun, and its end.
func (j *jsonReader) item(depth int) (*node, error) {
	if j.nodes++; depth > maxDepth || j.nodes > maxNodes {
		return nil, fmt.Errorf("there are more than %d levels or %d items", maxDepth, maxNodes)
	}
	n := &node{typ: ttlv.Structure}
	given := make(map[string]bool, 3)
	list := false
	for j.d.More() {
		t, err := j.d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		if given[key] {
			return nil, fmt.Errorf("an item has two %.64q", key)
		}
		given[key] = true
		if key == "value" {
			list, err = j.value(n, depth)
		} else {
			err = j.label(n, key)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case !given["tag"] || !given["value"]:
		return nil, errors.New("an item needs a tag and a value")
	case list != (n.typ == ttlv.Structure):
		return nil, fmt.Errorf("%s of type %s: a Structure has a list as its value, and nothing else has one", kmip.NameOfTag(n.tag), n.typ)
	}
	_, err := j.d.Token() // the end
	return n, err
}

// label reads what an item is called.
func (j *jsonReader) label(n *node, key string) error {
	t, err := j.d.Token()
	if err != nil {
		return err
	}
	text, ok := t.(string)
	switch key {
	case "tag":
		if n.tag, ok = kmip.TagOfWord(text); !ok {
			return fmt.Errorf("there is no item %.64q", text)
		}
	case "type":
		if n.typ, ok = typeOf(text); !ok {
			return fmt.Errorf("there is no type %.64q", text)
		}
	case "name": // for people
		if !ok {
			return errors.New("a name is no text")
		}
	default:
		return fmt.Errorf("an item has no %.64q", key)
	}
	return nil
}

// value reads a value as it would stand in XML, or the items of a list.
func (j *jsonReader) value(n *node, depth int) (list bool, err error) {
	t, err := j.d.Token()
	if err != nil {
		return false, err
	}
	switch v := t.(type) {
	case string:
		n.text = v
	case json.Number:
		n.text = v.String()
	case bool:
		n.text = fmt.Sprint(v)
	case json.Delim:
		if v != '[' {
			return false, errors.New("a value is no object")
		}
		for j.d.More() {
			if err := j.open('{'); err != nil {
				return false, err
			}
			c, err := j.item(depth + 1)
			if err != nil {
				return false, err
			}
			n.children = append(n.children, c)
		}
		_, err = j.d.Token() // the end
		return true, err
	default:
		return false, errors.New("an item has the value null")
	}
	return false, nil
}
