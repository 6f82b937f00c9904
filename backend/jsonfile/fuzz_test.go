package jsonfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

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
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := decode(data)
		if err != nil {
			if syntax, ok := errors.AsType[*SyntaxError](err); !ok || syntax.Offset < 0 || syntax.Offset > len(data) {
				t.Errorf("no place: %v", err)
			}
			return
		}
		defer d.wipe()
		if len(data) > 0 && utf8.Valid(data) && !json.Valid(data) {
			t.Error("taken, and it is not JSON")
		}
		text := d.encode()
		defer text.Wipe()
		again, err := decode(text.Reveal())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		defer again.wipe()
		twice := again.encode()
		defer twice.Wipe()
		if !bytes.Equal(text.Reveal(), twice.Reveal()) || len(again.elements) != len(d.elements) {
			t.Error("written, read and written again it is another text")
		}
		for i, e := range d.elements {
			if o := again.elements[i]; o.id != e.id || o.typ != e.typ || !o.data.Equal(e.data) {
				t.Errorf("element %d changed", i+1)
			}
		}
	})
}
