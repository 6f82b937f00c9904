package kmsdata

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// A data file is lines of JSON: a header, then a line for each key. The header's sha256
// is that of the whole file, with zeros in its place. A file has one form only: what
// is not to the byte what we write is not ours, or damaged.

const (
	formatName    = "dbkeyring keyring_aws"
	formatVersion = 1
)

type headerLine struct {
	Format     string `json:"format"`
	Version    int    `json:"version"`
	Keyring    string `json:"keyring"`
	Generation uint64 `json:"generation"`
	Keys       int    `json:"keys"`
	SHA256     string `json:"sha256"`
}

type keyLine struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Type  string `json:"type"`
	Key   string `json:"key"`  // the KMS key's ARN
	Data  []byte `json:"data"` // the blob, in base64
}

var noSum = strings.Repeat("0", 2*sha256.Size)

// encode returns the text of a data file.
func (c *content) encode() []byte {
	var b bytes.Buffer
	line := json.NewEncoder(&b)
	line.SetEscapeHTML(false)
	put := func(v any) { _ = line.Encode(v) } // strings, numbers and bytes always encode, into memory
	put(headerLine{formatName, formatVersion, c.identity, c.generation, len(c.order), noSum})
	header := b.Len()
	for _, id := range c.order {
		e := c.entries[id]
		put(keyLine{awskms.Printable(id.Name), awskms.Printable(id.Owner), awskms.Printable(e.typ), e.blob.KeyARN, e.blob.Data})
	}
	text := b.Bytes()
	sum := sha256.Sum256(text)
	at := bytes.LastIndex(text[:header], []byte(noSum))
	hex.Encode(text[at:], sum[:])
	return text
}

var (
	errNotOurs = errors.New("it is not a data file of dbkeyring's keyring_aws. MySQL Enterprise's own plugin has one of another form: " +
		"have MySQL's migration server copy the keys out of that plugin, and name a new file here")
	errDamaged = errors.New("its checksum is not that of its content")
)

// decode reads the text of a data file.
func decode(text []byte) (*content, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if !bytes.HasPrefix(text, []byte(`{"format":"`+formatName+`","version":`)) {
		return nil, errNotOurs
	}
	var h headerLine
	if err := json.Unmarshal(lines[0], &h); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if h.Version != formatVersion {
		return nil, fmt.Errorf("line 1: version %d of the format was written by a newer dbkeyring; install that one", h.Version)
	}
	at := bytes.LastIndex(lines[0], []byte(h.SHA256))
	if len(h.SHA256) != len(noSum) || at < 0 {
		return nil, errors.New("line 1: there is no checksum")
	}
	hashed := sha256.New()
	hashed.Write(text[:at])
	hashed.Write([]byte(noSum))
	hashed.Write(text[at+len(noSum):])
	if hex.EncodeToString(hashed.Sum(nil)) != h.SHA256 {
		return nil, errDamaged
	}
	c := &content{identity: h.Keyring, generation: h.Generation, entries: map[keyring.ID]entry{}}
	for i, line := range lines[1:] {
		if len(line) == 0 {
			continue // behind the last line
		}
		e, err := decodeKey(line)
		if err == nil {
			if _, twice := c.entries[e.id]; twice {
				err = fmt.Errorf("there is a key %s already", e.id)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		c.order = append(c.order, e.id)
		c.entries[e.id] = e
	}
	if !bytes.Equal(c.encode(), text) {
		return nil, errors.New("it is not as dbkeyring writes it")
	}
	return c, nil
}

func decodeKey(line []byte) (entry, error) {
	var l keyLine
	if err := json.Unmarshal(line, &l); err != nil {
		return entry{}, err
	}
	name, ok := awskms.FromPrintable(l.ID)
	owner, ok2 := awskms.FromPrintable(l.Owner)
	typ, ok3 := awskms.FromPrintable(l.Type)
	e := entry{id: keyring.ID{Name: name, Owner: owner}, typ: typ, blob: awskms.Blob{KeyARN: l.Key, Data: l.Data}}
	if !ok || !ok2 || !ok3 || name == "" || typ == "" || len(l.Data) == 0 {
		return e, errors.New("it is not a key")
	}
	return e, nil
}
