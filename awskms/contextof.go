package awskms

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// ContextOf is the encryption context of a database's key in our own formats: what AWS
// KMS has encrypted for one key does not decrypt as another.
func ContextOf(id keyring.ID, typ string) Context {
	c := Context{"data_id": Printable(id.Name), "data_type": Printable(typ)}
	if id.Owner != "" {
		c["user"] = Printable(id.Owner)
	}
	return c
}

const base64Prefix = "base64:"

// Printable makes printable text of any bytes, another one for each: AWS KMS takes no
// others in a context, and they show in logs.
func Printable(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, base64Prefix) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return base64Prefix + base64.StdEncoding.EncodeToString([]byte(s))
}

// FromPrintable undoes Printable; false for what it never returns.
func FromPrintable(s string) (string, bool) {
	text := s
	if encoded, ok := strings.CutPrefix(s, base64Prefix); ok {
		b, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return "", false
		}
		text = string(b)
	}
	return text, Printable(text) == s
}
