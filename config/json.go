package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Member is a name and its value in a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage // one valid JSON value; it shares the input's memory
	Line  int             // where the name stands, from 1
}

// SyntaxError is input that is not one JSON object.
type SyntaxError struct {
	Line    int
	Problem string
}

// Error gives "line n: problem".
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }

// ParseObject splits one JSON object, with nothing but white space around it,
// into its members, in their order and with repeated names kept. Every error is
// a *[SyntaxError]. No copy is made of the values: who wipes data has wiped
// the passwords in it.
func ParseObject(data []byte) ([]Member, error) {
	if off := invalidUTF8(data); off >= 0 {
		return nil, &SyntaxError{lineAt(data, off), "it is not UTF-8"}
	}
	// The whole text is checked first; what follows can rely on it.
	switch err := json.Unmarshal(data, new(struct{})); {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &SyntaxError{1, "the file is empty"}
	case err == nil:
	default:
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, &SyntaxError{lineAt(data, int(syntax.Offset)-1), "it is not JSON: " + explain(syntax)}
		}
		return nil, notAnObject(data)
	}
	s := scanner{data: data}
	if s.skipSpace(); s.data[s.pos] != '{' {
		return nil, notAnObject(data) // null is no error to Unmarshal
	}
	var members []Member
	for {
		s.pos++ // { or ,
		if s.skipSpace(); s.data[s.pos] == '}' {
			return members, nil
		}
		m := Member{Line: lineAt(data, s.pos)}
		if err := json.Unmarshal(s.value(), &m.Name); err != nil {
			return nil, &SyntaxError{m.Line, err.Error()}
		}
		s.skipSpace()
		s.pos++ // :
		s.skipSpace()
		m.Value = s.value()
		members = append(members, m)
		if s.skipSpace(); s.data[s.pos] == '}' {
			return members, nil
		}
	}
}

func notAnObject(data []byte) error {
	first := len(data) - len(bytes.TrimLeft(data, " \t\r\n"))
	return &SyntaxError{lineAt(data, first), "it is not a JSON object, which stands in braces { }"}
}

// explain puts encoding/json's tersest complaints into words.
func explain(e *json.SyntaxError) string {
	text := e.Error()
	switch {
	case text == "unexpected end of JSON input":
		return "it ends before the closing brace"
	case strings.Contains(text, "after top-level value"):
		return text + ", nothing may follow the closing brace"
	case strings.Contains(text, "invalid character '}' looking for beginning of object key"):
		return "there is a comma before the closing brace"
	}
	return text
}

// scanner walks over JSON that is known to be valid.
type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) skipSpace() {
	for s.pos < len(s.data) && strings.IndexByte(" \t\r\n", s.data[s.pos]) >= 0 {
		s.pos++
	}
}

// value returns the value that starts here and steps behind it.
func (s *scanner) value() []byte {
	start, depth := s.pos, 0
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.skipString()
			if depth == 0 {
				return s.data[start:s.pos]
			}
			continue
		case c == '{' || c == '[':
			depth++
		case depth == 0 && strings.IndexByte(",]} \t\r\n", c) >= 0:
			return s.data[start:s.pos] // a number or a word ended before c
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				s.pos++
				return s.data[start:s.pos]
			}
		}
		s.pos++
	}
	return s.data[start:]
}

func (s *scanner) skipString() {
	for s.pos++; s.data[s.pos] != '"'; s.pos++ {
		if s.data[s.pos] == '\\' {
			s.pos++
		}
	}
	s.pos++
}

func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), len(data))], []byte("\n"))
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// Kind is the JSON type of a value in words, for messages.
func Kind(v json.RawMessage) string {
	switch v[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}
