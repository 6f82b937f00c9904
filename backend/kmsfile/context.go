package kmsfile

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// contextOf is the encryption context of a key in our own format: what AWS KMS has
// encrypted for one key does not decrypt as another. The names are those in the file.
func contextOf(id keyring.ID, typ string) awskms.Context {
	c := awskms.Context{"data_id": contextValue(id.Name), "data_type": contextValue(typ)}
	if id.Owner != "" {
		c["user"] = contextValue(id.Owner)
	}
	return c
}

const base64Prefix = "base64:"

// contextValue makes printable text of any bytes: AWS KMS takes no others, and the
// values show in logs.
func contextValue(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, base64Prefix) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return base64Prefix + base64.StdEncoding.EncodeToString([]byte(s))
}
