package kmsfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// blob is a key in Percona's format: what AWS KMS has encrypted.
type blob []byte

// Write gives the base64 text in hexadecimal digits.
func (b blob) Write(w keyringfile.Sink) {
	w.Put(`"`)
	w.Hex([]byte(base64.StdEncoding.EncodeToString(b)))
	w.Put(`"`)
}

// Wipe has nothing to wipe: nothing in it is secret.
func (blob) Wipe() {}

// copies is a key in the format of our own: encrypted under each KMS key.
type copies []awskms.Blob

// Write gives a list of objects.
func (c copies) Write(w keyringfile.Sink) {
	w.Put("[")
	for i, b := range c {
		if i > 0 {
			w.Put(",")
		}
		w.Put(`{"key":"` + b.KeyARN + `","data":"` + base64.StdEncoding.EncodeToString(b.Data) + `"}`)
	}
	w.Put("]")
}

// Wipe has nothing to wipe.
func (copies) Wipe() {}

// sameValue says whether two elements keep the same encrypted bytes.
func sameValue(a, b keyringfile.Value) bool {
	switch a := a.(type) {
	case blob:
		b, ok := b.(blob)
		return ok && bytes.Equal(a, b)
	case copies:
		b, ok := b.(copies)
		return ok && slices.EqualFunc(a, b, func(x, y awskms.Blob) bool { return x.KeyARN == y.KeyARN && bytes.Equal(x.Data, y.Data) })
	}
	return false
}

func layout(f Format) *keyringfile.Format {
	if f == FormatDBKeyring {
		return &keyringfile.Format{
			Version: "dbkeyring 1.0", Head: []string{headChecksum, headKeyring, headGeneration},
			Member: "wrapped", Read: readCopies, Check: checkElement,
		}
	}
	return &keyringfile.Format{Version: "1.0", Member: "data", Read: readBlob, Check: checkElement}
}

// decode reads a file of either format.
func decode(text []byte) (*keyringfile.Document, error) {
	if !bytes.HasPrefix(text, []byte(sealedStart)) {
		return layout(FormatPercona).Decode(text)
	}
	if err := checkSeal(text); err != nil {
		return nil, err
	}
	return layout(FormatDBKeyring).Decode(text)
}

var errNotEncrypted = errors.New("the key is not the base64 text of what AWS KMS has encrypted: this may be the file of component_keyring_file or component_keyring_aws")

func readBlob(p *keyringfile.Parser) (keyringfile.Value, error) {
	at := p.Next()
	text, err := p.Hex()
	if err != nil {
		return nil, err
	}
	defer text.Wipe() // it may be a key that is not encrypted
	b := make([]byte, base64.StdEncoding.DecodedLen(text.Len()))
	n, err := base64.StdEncoding.Strict().Decode(b, text.Reveal())
	if err != nil || n == 0 {
		return nil, p.Fail(at, "%w", errNotEncrypted)
	}
	return blob(b[:n]), nil
}

func readCopies(p *keyringfile.Parser) (keyringfile.Value, error) {
	at := p.Next()
	text, err := p.Value()
	if err != nil {
		return nil, err
	}
	var list []struct {
		Key  string `json:"key"`
		Data []byte `json:"data"`
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list) == 0 {
		return nil, p.Fail(at, "a list of keys of AWS KMS and data is due here")
	}
	var c copies
	for _, w := range list {
		if _, region, err := awskms.ParseKeyID(w.Key); err != nil || region == "" || len(w.Data) == 0 {
			return nil, p.Fail(at, "a copy of the key lacks the ARN of its KMS key, or its data")
		}
		c = append(c, awskms.Blob{KeyARN: w.Key, Data: w.Data})
	}
	return c, nil
}

func checkElement(e *keyringfile.Element) error { return keyringfile.CheckName(e.ID, e.Type) }

// check says why the keyring cannot hold a key.
func check(id keyring.ID, typ string, size int) error {
	return errors.Join(keyringfile.CheckName(id, typ), keyringfile.CheckSize(size, awskms.MaxEncrypt))
}
