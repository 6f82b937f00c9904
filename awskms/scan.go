package awskms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/dbkeyring/dbkeyring/secret"
)

var errNoJSON = errors.New("it is not the JSON that was expected")

// takePlaintext cuts the member "Plaintext" out of a JSON object, so that the rest is
// an object without it, and returns it decoded: nil if there is none. It wipes it from text.
func takePlaintext(text []byte) (*secret.Bytes, error) {
	from, to, err := findMember(text, "Plaintext")
	if err != nil || from == to {
		return nil, err
	}
	value := text[from:to]
	coded := value[1 : len(value)-1]
	coded = coded[:len(coded)-unescape(coded)]
	n := base64.StdEncoding.DecodedLen(len(coded))
	plain := secret.New(n)
	m, err := base64.StdEncoding.Decode(plain.Reveal(), coded)
	secret.Wipe(value)
	for i := copy(value, "null"); i < len(value); i++ {
		value[i] = ' '
	}
	if len(value) < len("null") {
		err = errNoJSON // "" and "A" are no plaintext
	}
	if err != nil {
		plain.Wipe()
		return nil, errNoJSON // without the text
	}
	if m == n {
		return plain, nil
	}
	exact := secret.Copy(plain.Reveal()[:m]) // without what padding stands for
	plain.Wipe()
	return exact, nil
}

// unescape turns each \/ into /, the only escape that is of use in BASE64, in
// place, and returns by how much the text is shorter.
func unescape(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) && b[i+1] == '/' {
			i++
		}
		b[n] = b[i]
		n++
	}
	return len(b) - n
}

// findMember returns where the string that is the value of a member of a JSON object
// is, with its quotation marks; from == to if there is no such member. It reads no
// value but strings, and leaves it to others to judge the rest.
func findMember(text []byte, name string) (from, to int, err error) {
	if !json.Valid(text) {
		return 0, 0, errNoJSON
	}
	depth := 0
	key := "" // the name of the member, as soon as its colon was read
	var last []byte
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 1 {
				key = ""
				if bytes.Equal(last, []byte(name)) {
					key = name
				}
			}
		case ',':
			if depth == 1 {
				key = ""
			}
		case '"':
			end := i + 1
			for text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			if depth == 1 && key == name {
				return i, end + 1, nil
			}
			last = text[i+1 : end]
			i = end
		}
	}
	return 0, 0, nil
}
