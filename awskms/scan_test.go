package awskms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestTakePlaintext(t *testing.T) {
	for _, tc := range []struct{ text, plain, rest string }{
		{`{"Plaintext":"c2VjcmV0"}`, "secret", `{"Plaintext":null}`},
		{` { "KeyId" : "k" , "Plaintext" : "c2VjcmU=" } `, "secre", `{"KeyId":"k","Plaintext":null}`},
		{`{"Plaintext":"/\/8=","A":["Plaintext","x"]}`, "\xff\xff", `{"A":["Plaintext","x"],"Plaintext":null}`},
		{`{"KeyId":"a\"Plaintext\":\"b","B":{"Plaintext":"no"},"Plaintext":"YQ=="}`, "a", `{"B":{"Plaintext":"no"},"KeyId":"a\"Plaintext\":\"b","Plaintext":null}`},
		{`{"KeyId":"Plaintext","x":"y"}`, "", `{"KeyId":"Plaintext","x":"y"}`},
		{`{"Plaintext":null,"x":"eHg="}`, "", `{"Plaintext":null,"x":"eHg="}`},
		{`{"Plaintext":["eHg="]}`, "", `{"Plaintext":["eHg="]}`},
		{`{"x":{"Plaintext":"eHg="}}`, "", `{"x":{"Plaintext":"eHg="}}`},
		{`["Plaintext","eHg="]`, "", `["Plaintext","eHg="]`},
		{`{}`, "", `{}`},
	} {
		text := []byte(tc.text)
		plain, err := takePlaintext(text)
		if err != nil || string(plain.Reveal()) != tc.plain {
			t.Errorf("%s: %q, %v", tc.text, plain.Reveal(), err)
		}
		var rest any
		if err := json.Unmarshal(text, &rest); err != nil {
			t.Errorf("%s: the rest is %q: %v", tc.text, text, err)
		}
		if got, _ := json.Marshal(rest); string(got) != tc.rest {
			t.Errorf("%s: the rest is %s, want %s", tc.text, got, tc.rest)
		}
	}
	for _, bad := range []string{"", "{", `{"Plaintext":"c2Vj`, `{"Plaintext":"c2V"}`, `{"Plaintext":"c2Vj\n"}`, `{"Plaintext":"c2Vj\u0041"}`, `{"Plaintext":""}`, `{"Plaintext":"A"}`, `{"Plaintext":"c2Vj"}x`} {
		if plain, err := takePlaintext([]byte(bad)); err == nil || plain.Len() > 0 || strings.Contains(err.Error(), "c2V") {
			t.Errorf("%s: %v, %v", bad, plain.Reveal(), err)
		}
	}
}

// FuzzTakePlaintext: what is no plaintext is left to others as it was, and no text makes it panic.
func FuzzTakePlaintext(f *testing.F) {
	for _, s := range []string{`{"Plaintext":"c2VjcmV0","KeyId":"\\"}`, `{"a":[{"Plaintext":"eHg="}],"Plaintext":"eHg="}`, `"Plaintext"`, `{"Plaintext":{"Plaintext":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		plain, err := takePlaintext(text)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q became %q", before, text)
		}
		if plain == nil && !bytes.Equal(before, text) {
			t.Fatalf("%q became %q", before, text)
		}
		if coded := base64.StdEncoding.EncodeToString(plain.Reveal()); plain.Len() > 2 && bytes.Contains(text, []byte(`"Plaintext":"`+coded)) {
			t.Fatalf("%q is still in %q", coded, text)
		}
	})
}

func TestBody(t *testing.T) {
	for _, n := range []int{1, 2, 3, 32, MaxEncrypt} {
		plain := bytes.Repeat([]byte{0xfb}, n)
		b, err := newBody(plain, []byte(`{"KeyId":"k","EncryptionContext":{"a":"\u003c"}}`))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(b)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Plaintext         []byte
			KeyId             string
			EncryptionContext map[string]string
		}
		if err := json.Unmarshal(text, &got); err != nil || !bytes.Equal(got.Plaintext, plain) || got.KeyId != "k" || got.EncryptionContext["a"] != "<" {
			t.Errorf("%q: %v", text, err)
		}
		if tail := text[len(text)-padding:]; strings.TrimSpace(string(tail)) != "" {
			t.Errorf("the end is %q", tail)
		}
		if at, err := b.Seek(0, io.SeekEnd); err != nil || at != int64(len(text)) {
			t.Error(at, err)
		}
		if _, err := b.Seek(-1, io.SeekStart); err == nil {
			t.Error("before the start")
		}
		b.Seek(0, io.SeekStart)
		var again bytes.Buffer
		if _, err := io.Copy(&again, b); err != nil || !bytes.Equal(again.Bytes(), text) {
			t.Error("it differs the second time")
		}
		b.wipe()
		if _, err := b.Read(make([]byte, 1)); err != errWiped {
			t.Error(err)
		}
		if _, err := b.WriteTo(io.Discard); err != errWiped {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "{}", " { } ", "[1]", "null"} {
		if _, err := newBody([]byte("x"), []byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A record of TLS fits the buffer that append makes for it (see recordSize).
func TestRecordSize(t *testing.T) {
	const header, typ, tag = 5, 1, 16
	record := append(make([]byte, header), make([]byte, recordSize)...)
	if room := cap(record) - len(record); room < typ+tag {
		t.Errorf("append leaves room for %d bytes", room)
	}
}
