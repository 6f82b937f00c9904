package kmsfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

const (
	progressSuffix = ".rewrap"
	// progressBatch is how many keys are written to the disk at once.
	progressBatch = 64
)

// progress is what a Rewrap has done: a file of lines of JSON, of which the first says
// under which KMS keys. A line goes by the encrypted key that it replaces, so that it
// counts for no other, whatever became of the data file since.
type progress struct {
	fsys filesys.FS
	path string

	mu      sync.Mutex
	done    map[string]keyringfile.Value // by nameOf
	pending bytes.Buffer
	n       int // lines in pending
	f       filesys.File
}

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
	p := &progress{fsys: r.file.FS, path: r.o.Path + progressSuffix, done: map[string]keyringfile.Value{}}
	old, _, err := keyringfile.ReadFile(p.fsys, p.path)
	if err != nil {
		return nil, err
	}
	defer old.Wipe()
	to := make([]string, len(r.writers()))
	for i, key := range r.writers() {
		if to[i] = r.arns[key]; to[i] == "" {
			if to[i], err = r.checkKey(ctx, key); err != nil {
				return nil, err
			}
		}
	}
	head, _ := json.Marshal(progressHead{"dbkeyring rewrap 1", r.o.Format, to})
	text := append(head, '\n')
	if lines := bytes.SplitAfter(old.Reveal(), []byte("\n")); bytes.Equal(lines[0], text) {
		r.mu.RLock()
		wanted := map[string]bool{}
		for _, e := range r.now.doc.Elements {
			wanted[nameOf(e)] = true
		}
		r.mu.RUnlock()
		for _, line := range lines[1:] {
			var l progressLine
			if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &l) == nil && l.sum() == l.Sum && wanted[l.Was] && len(l.Now) == len(to) {
				p.done[l.Was] = l.value(r.o.Format)
				text = append(text, line...)
			}
		}
	}
	if err := atomicfile.Write(p.fsys, p.path, text, 0o640); err != nil {
		return nil, err
	}
	if p.f, err = p.fsys.OpenFile(p.path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, err
	}
	return p, nil
}

// find returns what has replaced an element's value, or nil.
func (p *progress) find(e *keyringfile.Element) keyringfile.Value {
	name := nameOf(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[name]
}

// add keeps what replaces an element's value.
func (p *progress) add(e *keyringfile.Element, v keyringfile.Value) error {
	l := progressLine{Was: nameOf(e), Now: progressOf(v)}
	l.Sum = l.sum()
	line, _ := json.Marshal(l)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[l.Was] = v
	p.pending.Write(append(line, '\n'))
	if p.n++; p.n < progressBatch {
		return nil
	}
	return p.write()
}

// flush brings everything to the disk.
func (p *progress) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.write()
}

func (p *progress) write() error {
	if p.n == 0 {
		return nil
	}
	text := bytes.Clone(p.pending.Bytes())
	p.pending.Reset()
	p.n = 0
	if _, err := p.f.Write(text); err != nil {
		return err
	}
	return p.f.Sync()
}

func (p *progress) close() { _ = p.f.Close() }

func (p *progress) remove() error {
	if err := p.fsys.Remove(p.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
