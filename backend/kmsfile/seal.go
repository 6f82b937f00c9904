package kmsfile

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

// The members of our own format that stand before the elements: the checksum of
// everything else in the file; which keyring it is, as a random number; and how often
// it was written.
const (
	headChecksum   = "checksum"
	headKeyring    = "keyring"
	headGeneration = "generation"

	sealedStart = `{"version":"dbkeyring 1.0","` + headChecksum + `":"`
	sumDigits   = 2 * sha256.Size
)

// sealOf is the checksum of a text in our own format, less the place where it stands.
func sealOf(text []byte) string {
	h := sha256.New()
	h.Write(text[:len(sealedStart)])
	h.Write(text[len(sealedStart)+sumDigits:])
	return hex.EncodeToString(h.Sum(nil))
}

// checkSeal compares a text, which begins with sealedStart, with its checksum.
func checkSeal(text []byte) error {
	if len(text) < len(sealedStart)+sumDigits {
		return errors.New("it was cut off")
	}
	if sealOf(text) != string(text[len(sealedStart):len(sealedStart)+sumDigits]) {
		return errors.New("its content is not what its checksum says")
	}
	return nil
}

// lineage is which keyring a file is, and how often it was written.
type lineage struct {
	keyring    string // "" in Percona's format
	generation uint64
}

func lineageOf(d *keyringfile.Document) (l lineage, err error) {
	if d.Head[headKeyring] == nil {
		return lineage{}, nil
	}
	l.keyring, err = strconv.Unquote(string(d.Head[headKeyring]))
	if err != nil {
		return l, errors.New("the keyring's identity is no string")
	}
	if l.generation, err = strconv.ParseUint(string(d.Head[headGeneration]), 10, 64); err != nil {
		return l, errors.New("the keyring's generation is no number")
	}
	return l, nil
}

// next is that of the next file; a keyring without an identity gets one.
func (l lineage) next() lineage {
	if l.keyring == "" {
		b := make([]byte, 16)
		rand.Read(b) // never fails: crypto/rand ends the program instead
		return lineage{hex.EncodeToString(b), 1}
	}
	return lineage{l.keyring, l.generation + 1}
}

// encode returns the text of a file. Nothing in it is secret.
func encode(d *keyringfile.Document, f Format, l lineage) []byte {
	if f == FormatDBKeyring {
		d.Head = map[string][]byte{
			headChecksum:   []byte(`"` + strings.Repeat("0", sumDigits) + `"`),
			headKeyring:    []byte(strconv.Quote(l.keyring)),
			headGeneration: []byte(strconv.FormatUint(l.generation, 10)),
		}
	}
	s := layout(f).Encode(d)
	defer s.Wipe()
	text := append([]byte(nil), s.Reveal()...)
	if f == FormatDBKeyring {
		copy(text[len(sealedStart):], sealOf(text))
	}
	return text
}
