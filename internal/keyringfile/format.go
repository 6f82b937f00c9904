package keyringfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Format is a dialect of the file.
type Format struct {
	Version string // of the member "version"
	// Head are members that stand between the version and the elements. Each is due.
	Head []string
	// Member is the one of an element that keeps its key.
	Member string
	// Read reads the value of Member.
	Read func(p *Parser) (Value, error)
	// Check says why an element cannot be.
	Check func(e *Element) error
}

// Value is what an element keeps of its key.
type Value interface {
	// Write gives it as JSON, twice the same (see [Sink]).
	Write(w Sink)
	Wipe()
}

// Element is a key in the file.
type Element struct {
	ID    keyring.ID
	Type  string
	Value Value
	// Extension is a JSON list, always empty until now; Rest are members that we do
	// not know, each with a comma before it. Both are written as they were read.
	Extension, Rest []byte
}

// NewElement returns the element of a new key.
func NewElement(id keyring.ID, typ string, v Value) *Element {
	return &Element{ID: id, Type: typ, Value: v, Extension: []byte("[]")}
}

// Document is what a data file says.
type Document struct {
	Elements []*Element // in the order in which they were stored
	Head     map[string][]byte
	Rest     []byte // members that we do not know, each with a comma before it

	index map[keyring.ID]*Element
}

// NewDocument returns one without keys.
func NewDocument() *Document {
	return &Document{Head: map[string][]byte{}, index: map[keyring.ID]*Element{}}
}

// Find returns the element of a key, or nil.
func (d *Document) Find(id keyring.ID) *Element { return d.index[id] }

// Add appends an element, whose ID must be a new one.
func (d *Document) Add(e *Element) {
	d.Elements = append(d.Elements, e)
	d.index[e.ID] = e
}

// Cut takes the elements from the n-th on out again.
func (d *Document) Cut(n int) {
	for _, e := range d.Elements[n:] {
		delete(d.index, e.ID)
	}
	d.Elements = d.Elements[:n]
}

// Without returns a document of the same elements but for one. The elements are shared.
func (d *Document) Without(id keyring.ID) *Document {
	return d.Map(func(e *Element) *Element {
		if e.ID == id {
			return nil
		}
		return e
	})
}

// Map returns a document of what fn makes of the elements; nil leaves one out.
func (d *Document) Map(fn func(*Element) *Element) *Document {
	c := &Document{Head: maps.Clone(d.Head), Rest: d.Rest, index: make(map[keyring.ID]*Element, len(d.index)+1)}
	c.Elements = make([]*Element, 0, len(d.Elements)+1)
	for _, e := range d.Elements {
		if e = fn(e); e != nil {
			c.Add(e)
		}
	}
	return c
}

// With returns an element that differs only in its value.
func (e *Element) With(v Value) *Element {
	c := *e
	c.Value = v
	return &c
}

// Wipe wipes what the elements keep.
func (d *Document) Wipe() {
	for _, e := range d.Elements {
		e.Value.Wipe()
	}
}

// Decode reads the text of a data file; without any text there are no keys.
// Every error is a *[SyntaxError].
func (f *Format) Decode(text []byte) (d *Document, err error) {
	d = NewDocument()
	if len(text) == 0 {
		return d, nil
	}
	defer func() {
		if err != nil {
			d.Wipe()
			d = nil
		}
	}()
	p := &Parser{data: text}
	missing := append([]string{"version", "elements"}, f.Head...)
	err = p.members(func(name string, at int) (err error) {
		if i := slices.Index(missing, name); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		}
		switch {
		case name == "version":
			version, err := p.Text()
			if err == nil && version != f.Version {
				err = p.Fail(at, "the version of the file is not %s", f.Version)
			}
			return err
		case name == "elements":
			err := p.items(func(n int) error {
				p.element = n
				return f.decodeElement(p, d)
			})
			p.element = 0
			return err
		case slices.Contains(f.Head, name):
			d.Head[name], err = p.Value()
			return err
		}
		return p.other(at, &d.Rest)
	})
	switch {
	case err != nil:
		return d, err
	case p.peek() != 0 || p.pos < len(text):
		return d, p.Fail(p.pos, "something follows the closing brace")
	case len(missing) > 0:
		return d, p.Fail(0, "the member %q is missing", missing[0])
	}
	return d, nil
}

func (f *Format) decodeElement(p *Parser, d *Document) (err error) {
	e := &Element{}
	defer func() {
		if err != nil && e.Value != nil {
			e.Value.Wipe()
		}
	}()
	start := p.Next()
	missing := []string{"user", "data_id", "data_type", f.Member, "extension"}
	err = p.members(func(name string, at int) (err error) {
		if i := slices.Index(missing, name); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		}
		switch name {
		case "user":
			e.ID.Owner, err = p.Text()
		case "data_id":
			e.ID.Name, err = p.Text()
		case "data_type":
			e.Type, err = p.Text()
		case f.Member:
			e.Value, err = f.Read(p)
		case "extension":
			if p.peek() != '[' {
				return p.Fail(p.pos, "a list is due here")
			}
			e.Extension, err = p.Value()
		default:
			err = p.other(at, &e.Rest)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return p.Fail(start, "%s missing", strings.Join(missing, ", "))
	}
	if err := f.Check(e); err != nil {
		return p.Fail(start, "%w", err)
	}
	if d.Find(e.ID) != nil {
		return p.Fail(start, "there is a key %s already", e.ID)
	}
	d.Add(e)
	return nil
}

// other keeps the member that begins at the offset, whatever it is.
func (p *Parser) other(at int, rest *[]byte) error {
	name := p.data[at:p.pos]
	value, err := p.Value()
	*rest = append(append(append(*rest, ','), name...), value...)
	return err
}

// CheckName says why no file can hold a key of such an ID and type.
func CheckName(id keyring.ID, typ string) error {
	var errs []error
	if id.Name == "" {
		errs = append(errs, errors.New("the key has no name"))
	}
	if strings.Contains(id.Name+id.Owner+typ, "\x00") {
		errs = append(errs, errors.New("the key's name, owner or type contains a NUL"))
	}
	if typ == "" {
		errs = append(errs, errors.New("the key has no type"))
	}
	return errors.Join(errs...)
}

// CheckSize says why a file whose keys have 1 to most bytes cannot hold one.
func CheckSize(size, most int) error {
	if size < 1 || size > most {
		return fmt.Errorf("the key has %d bytes; it may have 1 to %d", size, most)
	}
	return nil
}
