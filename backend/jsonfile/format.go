package jsonfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// formatVersion is the only one that there is.
const formatVersion = "1.0"

// element is a key in the file.
type element struct {
	id   keyring.ID
	typ  string
	data *secret.Bytes
	// extension is a JSON list, always empty until now; rest are members that we do
	// not know, each with a comma before it. Both are written as they were read.
	extension, rest []byte
}

// document is what a data file says.
type document struct {
	elements []*element // in the order in which they were stored
	index    map[keyring.ID]*element
	rest     []byte // members that we do not know, each with a comma before it
}

func newDocument() *document { return &document{index: map[keyring.ID]*element{}} }

func (d *document) add(e *element) {
	d.elements = append(d.elements, e)
	d.index[e.id] = e
}

func (d *document) wipe() {
	for _, e := range d.elements {
		e.data.Wipe()
	}
}

// decode reads the text of a data file; without any text there are no keys.
// Every error is a *SyntaxError.
func decode(data []byte) (d *document, err error) {
	d = newDocument()
	if len(data) == 0 {
		return d, nil
	}
	defer func() {
		if err != nil {
			d.wipe()
			d = nil
		}
	}()
	p := &parser{data: data}
	hasVersion, hasElements := false, false
	err = p.members(func(name string, at int) error {
		switch name {
		case "version":
			hasVersion = true
			version, err := p.text()
			if err == nil && version != formatVersion {
				err = p.fail(at, "the version of the file is not %s", formatVersion)
			}
			return err
		case "elements":
			hasElements = true
			n := 0
			err := p.items(func() error {
				n++
				p.element = n
				err := d.decodeElement(p)
				return err
			})
			p.element = 0
			return err
		}
		return p.other(at, &d.rest)
	})
	switch {
	case err != nil:
		return d, err
	case p.peek() != 0 || p.pos < len(data):
		return d, p.fail(p.pos, "something follows the closing brace")
	case !hasVersion:
		return d, p.fail(0, `the member "version" is missing`)
	case !hasElements:
		return d, p.fail(0, `the member "elements" is missing`)
	}
	return d, nil
}

func (d *document) decodeElement(p *parser) (err error) {
	e := &element{}
	defer func() {
		if err != nil {
			e.data.Wipe()
		}
	}()
	p.peek()
	start := p.pos
	missing := []string{"user", "data_id", "data_type", "data", "extension"}
	err = p.members(func(name string, at int) (err error) {
		for i, m := range missing {
			if m == name {
				missing = append(missing[:i:i], missing[i+1:]...)
				break
			}
		}
		switch name {
		case "user":
			e.id.Owner, err = p.text()
		case "data_id":
			e.id.Name, err = p.text()
		case "data_type":
			e.typ, err = p.text()
		case "data":
			e.data, err = p.hex()
		case "extension":
			if p.peek() != '[' {
				return p.fail(p.pos, "a list is due here")
			}
			e.extension, err = p.value()
		default:
			err = p.other(at, &e.rest)
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return p.fail(start, "%s missing", strings.Join(missing, ", "))
	}
	if err := check(e.id, e.typ, e.data.Len()); err != nil {
		return p.fail(start, "%v", err)
	}
	if encryptedByKMS(e.data.Reveal()) {
		return p.fail(start, "%w", errEncrypted)
	}
	if _, twice := d.index[e.id]; twice {
		return p.fail(start, "there is a key %s already", e.id)
	}
	d.add(e)
	return nil
}

// other keeps the member that begins at the offset, whatever it is.
func (p *parser) other(at int, rest *[]byte) error {
	name := p.data[at:p.pos]
	value, err := p.value()
	*rest = append(append(append(*rest, ','), name...), value...)
	return err
}

var errEncrypted = errors.New("the key is encrypted by AWS KMS")

// encryptedByKMS knows what AWS KMS encrypts by its first bytes. component_keyring_kms
// keeps such keys, in base64, in files of the same form, MySQL Enterprise's
// component_keyring_aws the bytes themselves. To take them for keys would bring
// useless ones to wherever they are copied.
func encryptedByKMS(b []byte) bool {
	if len(b) <= 64 {
		return false
	}
	raw := b[0] == 1 && b[1] == 2 && b[3] == 0 && b[4] == 0x78
	return raw || string(b[:3]) == "AQI" && string(b[4:6]) == "AH"
}

// check says why the file cannot hold a key.
func check(id keyring.ID, typ string, size int) error {
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
	if size < 1 || size > keyring.MaxKeySize {
		errs = append(errs, fmt.Errorf("the key has %d bytes; it may have 1 to %d", size, keyring.MaxKeySize))
	}
	return errors.Join(errs...)
}

// encode returns the text of a data file, as component_keyring_file writes it:
// one line without blanks, the members in this order, digits in upper case.
func (d *document) encode() *secret.Bytes {
	var count counter
	d.write(&count)
	text := secret.New(int(count))
	w := filler(text.Reveal())
	d.write(&w)
	return text
}

// sink takes the text twice: to know its size, and to fill memory that is never
// copied to a larger place.
type sink interface {
	put(s string)
	hex(b []byte)
}

type counter int

func (c *counter) put(s string) { *c += counter(len(s)) }
func (c *counter) hex(b []byte) { *c += counter(2 * len(b)) }

type filler []byte

func (f *filler) put(s string) { *f = (*f)[copy(*f, s):] }
func (f *filler) hex(b []byte) {
	for _, c := range b {
		(*f)[0], (*f)[1] = upperHex[c>>4], upperHex[c&15]
		*f = (*f)[2:]
	}
}

const upperHex = "0123456789ABCDEF"

func (d *document) write(w sink) {
	w.put(`{"version":"` + formatVersion + `","elements":[`)
	for i, e := range d.elements {
		if i > 0 {
			w.put(",")
		}
		w.put(`{"user":` + quote(e.id.Owner) + `,"data_id":` + quote(e.id.Name) + `,"data_type":` + quote(e.typ) + `,"data":"`)
		w.hex(e.data.Reveal())
		w.put(`","extension":` + string(e.extension) + string(e.rest) + "}")
	}
	w.put("]" + string(d.rest) + "}")
}

// quote writes a string as component_keyring_file's JSON library does: only
// quotes, backslashes and control characters are escaped.
func quote(s string) string {
	short := map[byte]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
	b := append(make([]byte, 0, len(s)+2), '"')
	for i := range len(s) {
		c := s[i]
		switch e, ok := short[c]; {
		case ok:
			b = append(b, '\\', e)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', upperHex[c>>4], upperHex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
