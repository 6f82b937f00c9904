package kmsfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/internal/notes"
)

const progressSuffix = ".rewrap"

// progress is what a Rewrap has done, by nameOf: a file of lines of JSON, of which the
// first says under which KMS keys. A line goes by the encrypted key that it replaces, so
// that it counts for no other, whatever became of the data file since.
type progress = notes.File[keyringfile.Value]

type progressHead struct {
	Format string   `json:"format"`
	Data   Format   `json:"data"`
	To     []string `json:"to"`
}

type progressLine struct {
	Was string         `json:"was"`
	Now []progressCopy `json:"now"`
	Sum string         `json:"sum"` // of the other members
}

type progressCopy struct {
	Key  string `json:"key,omitempty"`
	Data []byte `json:"data"`
}

func (l progressLine) sum() string {
	l.Sum = ""
	b, _ := json.Marshal(l) // of strings and bytes: never fails
	return digest(b)
}

func digest(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// nameOf is what an element is known by, its value included.
func nameOf(e *keyringfile.Element) string {
	b, _ := json.Marshal([]any{[]byte(e.ID.Name), []byte(e.ID.Owner), []byte(e.Type), progressOf(e.Value)})
	return digest(b)
}

func progressOf(v keyringfile.Value) (now []progressCopy) {
	switch v := v.(type) {
	case blob:
		return []progressCopy{{Data: v}}
	case copies:
		for _, b := range v {
			now = append(now, progressCopy{b.KeyARN, b.Data})
		}
	}
	return now
}

func (l progressLine) value(f Format) keyringfile.Value {
	if f == FormatPercona {
		return blob(l.Now[0].Data)
	}
	var c copies
	for _, n := range l.Now {
		c = append(c, awskms.Blob{KeyARN: n.Key, Data: n.Data})
	}
	return c
}

// openProgress reads what an interrupted Rewrap under the same KMS keys has left, and
// begins a file with as much of it as still counts.
func (r *Keyring) openProgress(ctx context.Context) (*progress, error) {
	to := make([]string, len(r.writers()))
	for i, key := range r.writers() {
		if to[i] = r.arns[key]; to[i] == "" {
			var err error
			if to[i], err = r.checkKey(ctx, key); err != nil {
				return nil, err
			}
		}
	}
	return notes.Open(r.file.FS, r.o.Path+progressSuffix, func(old []byte) (map[string]keyringfile.Value, []byte) {
		done := map[string]keyringfile.Value{}
		head, _ := json.Marshal(progressHead{"dbkeyring rewrap 1", r.o.Format, to})
		text := append(head, '\n')
		lines := bytes.SplitAfter(old, []byte("\n"))
		if !bytes.Equal(lines[0], text) {
			return done, text
		}
		r.mu.RLock()
		wanted := map[string]bool{}
		for _, e := range r.now.doc.Elements {
			wanted[nameOf(e)] = true
		}
		r.mu.RUnlock()
		for _, line := range lines[1:] {
			var l progressLine
			if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &l) == nil && l.sum() == l.Sum && wanted[l.Was] && len(l.Now) == len(to) {
				done[l.Was] = l.value(r.o.Format)
				text = append(text, line...)
			}
		}
		return done, text
	})
}

// add keeps what replaces an element's value.
func add(p *progress, e *keyringfile.Element, v keyringfile.Value) error {
	l := progressLine{Was: nameOf(e), Now: progressOf(v)}
	l.Sum = l.sum()
	line, _ := json.Marshal(l)
	return p.Add(l.Was, v, append(line, '\n'))
}
