package conformance

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ReadXML reads a test case of OASIS: a file with requests and responses in turn.
func ReadXML(file string) (Case, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Case{}, err
	}
	c := Case{Name: strings.TrimSuffix(filepath.Base(file), ".xml")}
	root, err := parse(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	for _, n := range root.Children {
		last := len(c.Steps) - 1
		switch {
		case n.Tag == "RequestMessage":
			c.Steps = append(c.Steps, Step{Request: n})
		case n.Tag == "ResponseMessage" && last >= 0 && c.Steps[last].Response == nil:
			c.Steps[last].Response = n
		default:
			return c, fmt.Errorf("%s: %s at a place where none is expected", file, n.Tag)
		}
	}
	for _, s := range c.Steps {
		if s.Response == nil {
			return c, fmt.Errorf("%s: a request has no response", file)
		}
	}
	return c, nil
}

// parse reads one XML element.
func parse(text []byte) (*Node, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var open []*Node
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("there is no element")
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &Node{Tag: t.Name.Local}
			for _, a := range t.Attr {
				switch a.Name.Local {
				case "type":
					n.Type = a.Value
				case "value":
					n.Value = a.Value
				}
			}
			if n.Type == "Structure" {
				n.Type = ""
			}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.Children = append(parent.Children, n)
			}
			open = append(open, n)
		case xml.EndElement:
			n := open[len(open)-1]
			if open = open[:len(open)-1]; len(open) == 0 {
				return n, nil
			}
		}
	}
}

// write appends the item in XML, with the values in place of the names that stand for
// them.
func (n *Node) write(b *bytes.Buffer, names *names) error {
	if n.Type == "" {
		fmt.Fprintf(b, "<%s>", n.Tag)
		for _, c := range n.Children {
			if err := c.write(b, names); err != nil {
				return err
			}
		}
		fmt.Fprintf(b, "</%s>", n.Tag)
		return nil
	}
	value, err := names.value(n.Tag, n.Value)
	if err != nil {
		return fmt.Errorf("%s: %w", n.Tag, err)
	}
	fmt.Fprintf(b, "<%s type=%q value=\"", n.Tag, n.Type)
	_ = xml.EscapeText(b, []byte(value)) // a Buffer takes everything
	b.WriteString(`"/>`)
	return nil
}
