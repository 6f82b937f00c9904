package kmiptext

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

type xmlFormat struct{}

// Encode implements [Format].
func (xmlFormat) Encode(frame []byte) ([]byte, error) {
	n, err := taken(frame)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	n.xml(&b, "")
	return b.Bytes(), nil
}

// xml appends the item, indented.
func (n *node) xml(b *bytes.Buffer, indent string) {
	name, attributes := kmip.TagWord(n.tag), ""
	if strings.HasPrefix(name, "0x") { // a tag without a name (KMIP Profiles 1.4, 4.1.1.2)
		name, attributes = "TTLV", fmt.Sprintf(" tag=%q", name)
	}
	if n.typ != ttlv.Structure {
		fmt.Fprintf(b, "%s<%s%s type=%q value=\"", indent, name, attributes, n.typ)
		_ = xml.EscapeText(b, []byte(n.text)) // a Buffer takes everything
		b.WriteString("\"/>\n")
		return
	}
	fmt.Fprintf(b, "%s<%s%s>\n", indent, name, attributes)
	for _, c := range n.children {
		c.xml(b, indent+"  ")
	}
	fmt.Fprintf(b, "%s</%s>\n", indent, name)
}

// Decode implements [Format].
func (xmlFormat) Decode(text []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(text)) // Strict: it knows the five entities of XML, and no others
	x := xmlReader{d: d}
	root, err := x.root()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	return decoded(root)
}

// xmlReader reads one document.
type xmlReader struct {
	d     *xml.Decoder
	nodes int
}

func (x *xmlReader) root() (*node, error) {
	var root *node
	for {
		t, err := x.d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, errors.New("there is more than one message")
			}
			if root, err = x.element(t, 1); err != nil {
				return nil, err
			}
		case xml.Directive:
			return nil, errors.New("a document type is not taken")
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errors.New("there is text outside the message")
			}
		}
	}
}

// element reads up to the end of the element that has begun.
func (x *xmlReader) element(start xml.StartElement, depth int) (*node, error) {
	if x.nodes++; depth > maxDepth || x.nodes > maxNodes {
		return nil, fmt.Errorf("there are more than %d levels or %d items", maxDepth, maxNodes)
	}
	n, hasValue, err := begin(start)
	if err != nil {
		return nil, err
	}
	if (n.typ != ttlv.Structure) != hasValue {
		return nil, fmt.Errorf("%s of type %s: a Structure has no value, and everything else has one", start.Name.Local, n.typ)
	}
	for {
		t, err := x.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			return n, nil
		case xml.StartElement:
			if n.typ != ttlv.Structure {
				return nil, fmt.Errorf("%s of type %s has items in it", start.Name.Local, n.typ)
			}
			c, err := x.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, c)
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, fmt.Errorf("%s has text in it", start.Name.Local)
			}
		}
	}
}

// begin reads an element's name and attributes.
func begin(start xml.StartElement) (n *node, hasValue bool, err error) {
	n = &node{typ: ttlv.Structure}
	tag := start.Name.Local
	given := make(map[xml.Name]bool, 2)
	for _, a := range start.Attr {
		if given[a.Name] {
			return nil, false, fmt.Errorf("%.64s has two %.64s", start.Name.Local, a.Name.Local)
		}
		given[a.Name] = true
		known := true
		switch a.Name.Local {
		case "type":
			n.typ, known = typeOf(a.Value)
		case "value":
			n.text, hasValue = a.Value, true
		case "tag":
			tag = a.Value
		case "name", "xmlns": // for people, and for XML's own tools
		default:
			known = a.Name.Space == "xmlns"
		}
		if !known {
			return nil, false, fmt.Errorf("%.64s has the attribute %.64s=%.64q, which is unknown", start.Name.Local, a.Name.Local, a.Value)
		}
	}
	var ok bool
	if n.tag, ok = kmip.TagOfWord(tag); !ok {
		return nil, false, fmt.Errorf("there is no item %.64q", tag)
	}
	return n, hasValue, nil
}
