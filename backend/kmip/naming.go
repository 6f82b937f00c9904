package kmip

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// How a key's ID becomes an object's Name. These encodings lie on users' servers
// for good; the golden vectors of naming_test.go must never change.
//
//   - A key without an owner whose name is printable ASCII and does not begin
//     with "dbkeyring:1:": Name = name, as Percona's component writes and reads it.
//   - Any other key: Name = "dbkeyring:1:" + escape(owner) + ":" + escape(name).
//
// escape leaves letters, digits and "-._~@" and writes every other byte as "%" and
// two upper-case hexadecimal digits. The encoding is ASCII, because some servers
// refuse anything else, and one to one in both directions: parseName takes only
// what nameOf makes. The one exception is a Name with bytes that are not ASCII,
// which others may have written; it is read as the name of a key without an owner.
const (
	namePrefix = "dbkeyring:1:"
	maxName    = 250 // Percona's component cuts longer ones off

	// Application Specific Information in this namespace keeps what the Name does
	// not: the type as the user spelled it. Its data is "1:" + escape(owner) + ":" +
	// escape(name) + ":" + escape(type). The Name decides who a key is; owner and
	// name stand here for people and other programs.
	namespace  = "dbkeyring"
	dataPrefix = "1:"
)

// nameOf returns the Name of the object that keeps the key.
func nameOf(id keyring.ID) string {
	if id.Owner == "" && isPrintableASCII(id.Name) && !strings.HasPrefix(id.Name, namePrefix) {
		return id.Name
	}
	return namePrefix + escape(id.Owner) + ":" + escape(id.Name)
}

// parseName is the inverse of nameOf. It fails for a Name that begins like ours
// and is not one that nameOf makes.
func parseName(name string) (keyring.ID, bool) {
	encoded, ours := strings.CutPrefix(name, namePrefix)
	if !ours {
		return keyring.ID{Name: name}, name != "" && !strings.Contains(name, "\x00")
	}
	owner, key, _ := strings.Cut(encoded, ":")
	id := keyring.ID{Name: unescape(key), Owner: unescape(owner)}
	return id, id.Name != "" && nameOf(id) == name
}

// names returns the Names under which the key may lie: ours first, then the one
// that others would have used.
func names(id keyring.ID) []string {
	ours := nameOf(id)
	if id.Owner == "" && ours != id.Name && utf8.ValidString(id.Name) && !strings.HasPrefix(id.Name, namePrefix) {
		return []string{ours, id.Name}
	}
	return []string{ours}
}

// applicationData returns what is kept beside the Name, and whether it is needed.
func applicationData(id keyring.ID, typ, canonical string) (data string, needed bool) {
	needed = typ != canonical || nameOf(id) != id.Name
	return dataPrefix + escape(id.Owner) + ":" + escape(id.Name) + ":" + escape(typ), needed
}

// parseType returns the type as the user spelled it, if data is what
// applicationData makes and the spelling fits.
func parseType(data, canonical string) string {
	if parts := strings.Split(data, ":"); len(parts) == 4 && parts[0]+":" == dataPrefix {
		if typ := unescape(parts[3]); keyring.SameType(typ, canonical) {
			return typ
		}
	}
	return canonical
}

func isPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isPlain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape does not judge: who needs certainty escapes the result again.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }

func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~@", c) >= 0
}
