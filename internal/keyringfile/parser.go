package keyringfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/secret"
)

// SyntaxError says where in a data file what is wrong. It quotes nothing of the
// file, which is full of keys.
type SyntaxError struct {
	Offset  int // in bytes from the start of the file
	Element int // counted from 1; 0: outside of the elements
	Problem string
	err     error // what Problem says, where that is one of ours
}

// Unwrap gives the cause.
func (e *SyntaxError) Unwrap() error { return e.err }

// Error gives "byte n, in element m: problem".
func (e *SyntaxError) Error() string {
	if e.Element > 0 {
		return fmt.Sprintf("byte %d, in element %d: %s", e.Offset, e.Element, e.Problem)
	}
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Problem)
}

// Parser walks over JSON. It is our own because strings are bytes here:
// component_keyring_file neither checks nor changes names that are not UTF-8,
// and because key bytes must not become strings, which nobody can wipe.
type Parser struct {
	data    []byte
	pos     int
	element int
}

// Fail makes the error of a problem at an offset, a *[SyntaxError].
func (p *Parser) Fail(at int, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &SyntaxError{Offset: at, Element: p.element, Problem: err.Error(), err: err}
}

// Next steps over white space and returns the offset of what comes.
func (p *Parser) Next() int {
	p.peek()
	return p.pos
}

// peek returns the next byte that is no white space, 0 at the end.
func (p *Parser) peek() byte {
	for ; p.pos < len(p.data); p.pos++ {
		if c := p.data[p.pos]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

func (p *Parser) expect(c byte) error {
	if got := p.peek(); got != c {
		if p.pos >= len(p.data) {
			return p.Fail(p.pos, "the file ends where %q is due: it was cut off", c)
		}
		return p.Fail(p.pos, "%q is due here", c)
	}
	p.pos++
	return nil
}

// members calls each with the name of each member of an object; each reads the
// value.
func (p *Parser) members(each func(name string, at int) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	if p.peek() == '}' {
		p.pos++
		return nil
	}
	seen := map[string]bool{}
	for {
		at := p.Next()
		name, err := p.Text()
		if err != nil {
			return err
		}
		if seen[name] {
			return p.Fail(at, "the member stands twice")
		}
		seen[name] = true
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := each(name, at); err != nil {
			return err
		}
		if p.peek() != ',' {
			return p.expect('}')
		}
		p.pos++
	}
}

// items calls each before each item of a list, counted from 1; each reads the item.
func (p *Parser) items(each func(n int) error) error {
	if err := p.expect('['); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	for n := 1; ; n++ {
		if err := each(n); err != nil {
			return err
		}
		if p.peek() != ',' {
			return p.expect(']')
		}
		p.pos++
	}
}

// rawString steps over a string and returns what stands between the quotes, and
// whether there are escapes in it.
func (p *Parser) rawString() (raw []byte, escaped bool, err error) {
	if p.peek() != '"' {
		if p.pos >= len(p.data) {
			return nil, false, p.Fail(p.pos, "the file ends where a string is due: it was cut off")
		}
		return nil, false, p.Fail(p.pos, "a string is due here")
	}
	start := p.pos + 1
	for i := start; i < len(p.data); i++ {
		switch c := p.data[i]; {
		case c == '"':
			p.pos = i + 1
			return p.data[start:i], escaped, nil
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, false, p.Fail(i, "a control character stands in a string")
		}
	}
	return nil, false, p.Fail(len(p.data), "the file ends within a string: it was cut off")
}

// Text reads a string that is no secret.
func (p *Parser) Text() (string, error) {
	at := p.Next()
	raw, escaped, err := p.rawString()
	if err != nil || !escaped {
		return string(raw), err
	}
	b, ok := unescape(raw)
	if !ok {
		return "", p.Fail(at, "the string has an escape that JSON does not know")
	}
	return string(b), nil
}

// Hex reads a string of hexadecimal digits.
func (p *Parser) Hex() (*secret.Bytes, error) {
	at := p.Next()
	digits, escaped, err := p.rawString()
	if err != nil {
		return nil, err
	}
	if escaped {
		var ok bool
		digits, ok = unescape(digits)
		defer secret.Wipe(digits)
		if !ok {
			return nil, p.Fail(at, "the string has an escape that JSON does not know")
		}
	}
	if len(digits)%2 != 0 {
		return nil, p.Fail(at, "the key has an odd number of hexadecimal digits")
	}
	s := secret.New(len(digits) / 2)
	b := s.Reveal()
	for i := range b {
		hi, lo := nibble(digits[2*i]), nibble(digits[2*i+1])
		if hi > 15 || lo > 15 {
			s.Wipe()
			bad := at + 1 + 2*i
			if hi <= 15 {
				bad++
			}
			return nil, p.Fail(bad, "the key has a character that is no hexadecimal digit")
		}
		b[i] = hi<<4 | lo
	}
	return s, nil
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// Value steps over any value and returns a copy of its text.
func (p *Parser) Value() ([]byte, error) {
	start, depth := p.Next(), 0
	for {
		switch c := p.peek(); c {
		case 0:
			return nil, p.Fail(p.pos, "the file ends within a value: it was cut off")
		case '"':
			if _, _, err := p.rawString(); err != nil {
				return nil, err
			}
		case '{', '[':
			depth++
			p.pos++
			continue
		case '}', ']':
			depth--
			p.pos++
		case ',', ':':
			p.pos++
			continue
		default: // a number or a word
			for p.pos < len(p.data) && bytes.IndexByte([]byte(" \t\r\n,:[]{}\"\x00"), p.data[p.pos]) < 0 {
				p.pos++
			}
		}
		if depth > 0 {
			continue
		}
		raw := p.data[start:p.pos]
		if !json.Valid(raw) {
			return nil, p.Fail(start, "this is not JSON")
		}
		return bytes.Clone(raw), nil
	}
}

var plainEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape resolves the escapes of a string; false for one that JSON does not
// have, half of a surrogate pair among them.
func unescape(raw []byte) ([]byte, bool) {
	out := make([]byte, 0, len(raw)) // never longer: no copy is left behind
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		if i >= len(raw) {
			return out, false
		}
		if c, ok := plainEscapes[raw[i]]; ok {
			out = append(out, c)
			continue
		}
		if raw[i] != 'u' {
			return out, false
		}
		r, ok := unit(raw[i+1:])
		i += 4
		if ok && utf16.IsSurrogate(r) {
			var low rune
			if ok = i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u'; ok {
				low, ok = unit(raw[i+3:])
			}
			i += 6
			r = utf16.DecodeRune(r, low)
			ok = ok && r != utf8.RuneError
		}
		if !ok {
			return out, false
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}

// unit reads the four digits of \uXXXX.
func unit(digits []byte) (rune, bool) {
	if len(digits) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range digits[:4] {
		n := nibble(c)
		if n > 15 {
			return 0, false
		}
		r = r<<4 | rune(n)
	}
	return r, true
}
