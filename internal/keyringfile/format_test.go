package keyringfile_test

import (
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Members of the head keep their place and are due; what nobody knows comes last.
func TestHead(t *testing.T) {
	const text = `{"version":"1.0","sum":"x","n":[1,2],"elements":[],"later":true}`
	f := format("sum", "n")
	for _, in := range []string{text, ` { "later" :true, "elements": [ ], "n":[1,2], "sum":"x" ,"version":"1.0"}`} {
		d, err := f.Decode([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(f.Encode(d).Reveal()); strings.ReplaceAll(got, " ", "") != text {
			t.Errorf("written: %s", got)
		}
	}
	if _, err := f.Decode([]byte(`{"version":"1.0","n":[1,2],"elements":[]}`)); err == nil || !strings.Contains(err.Error(), `the member "sum" is missing`) {
		t.Errorf("Decode: %v", err)
	}
}

// A document without a key shares the other elements, and does not change the first.
func TestWithoutAndCut(t *testing.T) {
	d := keyringfile.NewDocument()
	ids := []keyring.ID{{Name: "a"}, {Name: "a", Owner: "o"}, {Name: "b"}}
	for _, id := range ids {
		d.Add(keyringfile.NewElement(id, "AES", value{secret.Copy([]byte("k"))}))
	}
	c := d.Without(ids[1])
	if len(c.Elements) != 2 || c.Find(ids[1]) != nil || c.Find(ids[2]) != d.Find(ids[2]) {
		t.Errorf("Without: %v", c.Elements)
	}
	if len(d.Elements) != 3 || d.Find(ids[1]) == nil {
		t.Error("Without changed its document")
	}
	d.Cut(1)
	if len(d.Elements) != 1 || d.Find(ids[0]) == nil || d.Find(ids[1]) != nil || d.Find(ids[2]) != nil {
		t.Errorf("Cut: %v", d.Elements)
	}
}
