package keyringfile

import "github.com/dbkeyring/dbkeyring/secret"

// Encode returns the text of a data file, as component_keyring_file writes it:
// one line without blanks, the members in this order, digits in upper case.
func (f *Format) Encode(d *Document) *secret.Bytes {
	var count counter
	f.write(d, &count)
	text := secret.New(int(count))
	w := filler(text.Reveal())
	f.write(d, &w)
	return text
}

// Sink takes the text twice: to know its size, and to fill memory that is never
// copied to a larger place.
type Sink interface {
	Put(s string)
	// Hex puts two digits for each byte.
	Hex(b []byte)
}

type counter int

func (c *counter) Put(s string) { *c += counter(len(s)) }
func (c *counter) Hex(b []byte) { *c += counter(2 * len(b)) }

type filler []byte

func (f *filler) Put(s string) { *f = (*f)[copy(*f, s):] }
func (f *filler) Hex(b []byte) {
	for _, c := range b {
		(*f)[0], (*f)[1] = upperHex[c>>4], upperHex[c&15]
		*f = (*f)[2:]
	}
}

const upperHex = "0123456789ABCDEF"

func (f *Format) write(d *Document, w Sink) {
	w.Put(`{"version":` + quote(f.Version))
	for _, name := range f.Head {
		w.Put(`,"` + name + `":` + string(d.Head[name]))
	}
	w.Put(`,"elements":[`)
	for i, e := range d.Elements {
		if i > 0 {
			w.Put(",")
		}
		w.Put(`{"user":` + quote(e.ID.Owner) + `,"data_id":` + quote(e.ID.Name) + `,"data_type":` + quote(e.Type) + `,"` + f.Member + `":`)
		e.Value.Write(w)
		w.Put(`,"extension":` + string(e.Extension) + string(e.Rest) + "}")
	}
	w.Put("]" + string(d.Rest) + "}")
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
