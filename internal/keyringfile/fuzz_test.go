package keyringfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// value is a key in hexadecimal digits, as in component_keyring_file's data file.
type value struct{ *secret.Bytes }

func (v value) Write(w keyringfile.Sink) {
	w.Put(`"`)
	w.Hex(v.Reveal())
	w.Put(`"`)
}

func format(head ...string) *keyringfile.Format {
	return &keyringfile.Format{
		Version: "1.0", Head: head, Member: "data",
		Read: func(p *keyringfile.Parser) (keyringfile.Value, error) {
			b, err := p.Hex()
			return value{b}, err
		},
		Check: func(e *keyringfile.Element) error {
			return errors.Join(keyringfile.CheckName(e.ID, e.Type), keyringfile.CheckSize(e.Value.(value).Len(), 100))
		},
	}
}

// FuzzDecode: whatever is read, nothing panics, every error names a place; what
// is taken is JSON, and written and read again it is the same to the byte.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", `{"version":"1.0","elements":[]}`,
		`{"version":"1.0","elements":[{"user":"u","data_id":"x\u0041\ud83d\ude00\n","data_type":"AES","data":"00fF","extension":[]}]}`,
		` {"x":{"a":[1,"]"]}, "elements" : [ {"extension":[null],"data":"\u0030a","data_type":"t","data_id":"i","user":"","y":-1e5} ] ,"version":"1.0"} `,
		`{"version":"1.0","elements":[{}]}`, `{"version":"1.0","elements":[`,
	} {
		f.Add([]byte(s))
	}
	format := format()
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := format.Decode(data)
		if err != nil {
			if syntax, ok := errors.AsType[*keyringfile.SyntaxError](err); !ok || syntax.Offset < 0 || syntax.Offset > len(data) {
				t.Errorf("no place: %v", err)
			}
			return
		}
		defer d.Wipe()
		if len(data) > 0 && utf8.Valid(data) && !json.Valid(data) {
			t.Error("taken, and it is not JSON")
		}
		text := format.Encode(d)
		defer text.Wipe()
		again, err := format.Decode(text.Reveal())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		defer again.Wipe()
		twice := format.Encode(again)
		defer twice.Wipe()
		if !bytes.Equal(text.Reveal(), twice.Reveal()) || len(again.Elements) != len(d.Elements) {
			t.Error("written, read and written again it is another text")
		}
		for i, e := range d.Elements {
			if o := again.Elements[i]; o.ID != e.ID || o.Type != e.Type || !o.Value.(value).Equal(e.Value.(value).Bytes) {
				t.Errorf("element %d changed", i+1)
			}
		}
	})
}
