package kmiptext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

type jsonFormat struct{}

// item is an item of a message in JSON.
type item struct {
	Tag   string          `json:"tag"`
	Name  string          `json:"name,omitempty"` // for people
	Type  string          `json:"type,omitempty"` // "": a Structure
	Value json.RawMessage `json:"value"`
}

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
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var root item
	err := d.Decode(&root)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more than one message")
		}
	}
	j := jsonReader{}
	var n *node
	if err == nil {
		n, err = j.node(root, 1)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	return decoded(n)
}

type jsonReader struct{ nodes int }

func (j *jsonReader) node(i item, depth int) (*node, error) {
	if j.nodes++; depth > maxDepth || j.nodes > maxNodes {
		return nil, fmt.Errorf("there are more than %d levels or %d items", maxDepth, maxNodes)
	}
	n := &node{}
	var ok bool
	if n.typ, ok = typeOf(i.Type); !ok {
		return nil, fmt.Errorf("there is no type %.64q", i.Type)
	}
	if n.tag, ok = kmip.TagOfWord(i.Tag); !ok {
		return nil, fmt.Errorf("there is no item %.64q", i.Tag)
	}
	if n.typ == ttlv.Structure {
		var items []item
		d := json.NewDecoder(bytes.NewReader(i.Value))
		d.DisallowUnknownFields()
		if err := d.Decode(&items); err != nil {
			return nil, fmt.Errorf("%.64s: %w", i.Tag, err)
		}
		for _, c := range items {
			child, err := j.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		}
		return n, nil
	}
	var err error
	n.text, err = textOf(i.Value)
	if err != nil {
		return nil, fmt.Errorf("%.64s: %w", i.Tag, err)
	}
	return n, nil
}

// textOf returns a value as it would stand in XML.
func textOf(value json.RawMessage) (string, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", errors.New("it has no value")
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("its value is no text, number, true or false: %.20s", strings.TrimSpace(string(value)))
}
