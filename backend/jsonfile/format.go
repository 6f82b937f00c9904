package jsonfile

import (
	"bytes"
	"errors"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// plain is a key as the file has it: in hexadecimal digits, not encrypted.
type plain struct{ *secret.Bytes }

// Write gives it as JSON.
func (p plain) Write(w keyringfile.Sink) {
	w.Put(`"`)
	w.Hex(p.Reveal())
	w.Put(`"`)
}

func bytesOf(e *keyringfile.Element) *secret.Bytes { return e.Value.(plain).Bytes }

// format is component_keyring_file's.
func format() *keyringfile.Format {
	return &keyringfile.Format{
		Version: "1.0",
		Member:  "data",
		Read: func(p *keyringfile.Parser) (keyringfile.Value, error) {
			b, err := p.Hex()
			return plain{b}, err
		},
		Check: func(e *keyringfile.Element) error {
			data := bytesOf(e)
			if err := check(e.ID, e.Type, data.Len()); err != nil {
				return err
			}
			if encryptedByKMS(data.Reveal()) {
				return errEncrypted
			}
			return nil
		},
	}
}

func decode(text []byte) (*keyringfile.Document, error) {
	if bytes.HasPrefix(text, []byte(`{"version":"dbkeyring `)) {
		return nil, errEncrypted
	}
	return format().Decode(text)
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
	return errors.Join(keyringfile.CheckName(id, typ), keyringfile.CheckSize(size, keyring.MaxKeySize))
}
