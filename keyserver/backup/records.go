package backup

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strconv"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Manifest is the first record.
type Manifest struct {
	Made    time.Time `json:"made"`    // the moment that the content is of
	Program string    `json:"program"` // version of dbkeyring
	Format  string    `json:"format"`  // of the data directory
	// AuditHead is what the audit log ended with, if it is chained.
	AuditHead string `json:"audit_head,omitempty"`
}

// Totals is the last record: what there is.
type Totals struct {
	Files   int                  `json:"files"`
	Entries map[store.Bucket]int `json:"entries"`
}

// equal says whether both count the same.
func (t Totals) equal(o Totals) bool { return t.Files == o.Files && maps.Equal(t.Entries, o.Entries) }

// The kinds of a record.
const (
	kindManifest = 'M'
	kindFile     = 'F' // name, mode, content
	kindEntry    = 'V' // bucket, key, value
	kindEnd      = 'E'
)

// maxField bounds a field, in bytes: a store's values have up to 64 MiB.
const maxField = 65 << 20

// Writer writes a backup's content.
type Writer struct {
	stream *sealer
	buf    []byte
	totals Totals
}

// NewWriter begins the content of a file whose header is written, under the key
// that [NewHeader] gave. It does not keep the key.
func NewWriter(w io.Writer, key *secret.Bytes, m Manifest) (*Writer, error) {
	stream, err := newSealer(w, key)
	if err != nil {
		return nil, err
	}
	x := &Writer{stream: stream, totals: Totals{Entries: map[store.Bucket]int{}}}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return x, x.record(kindManifest, text)
}

func (w *Writer) record(kind byte, fields ...[]byte) error {
	w.buf = append(w.buf[:0], kind)
	for _, f := range fields {
		if len(f) > maxField {
			return fmt.Errorf("a value of %d bytes does not fit into a backup", len(f))
		}
		w.buf = append(binary.AppendUvarint(w.buf, uint64(len(f))), f...)
	}
	_, err := w.stream.Write(w.buf)
	secret.Wipe(w.buf)
	return err
}

// File writes a file of the data directory.
func (w *Writer) File(name string, mode fs.FileMode, content []byte) error {
	w.totals.Files++
	return w.record(kindFile, []byte(name), strconv.AppendUint(nil, uint64(mode.Perm()), 8), content)
}

// Entry writes a value of the store.
func (w *Writer) Entry(b store.Bucket, key string, value []byte) error {
	w.totals.Entries[b]++
	return w.record(kindEntry, []byte(b), []byte(key), value)
}

// End writes the end, and says what there was. A file without it is no backup.
func (w *Writer) End() (Totals, error) {
	text, err := json.Marshal(w.totals)
	if err != nil {
		return Totals{}, err
	}
	if err := w.record(kindEnd, text); err != nil {
		return Totals{}, err
	}
	return w.totals, w.stream.end()
}

// Wipe erases what the writer holds; it is used no more.
func (w *Writer) Wipe() { w.stream.wipe() }

// Reader reads a backup's content.
type Reader struct {
	Manifest Manifest
	in       *opener
}

// NewReader begins to read a file whose header is read, under the key that
// [Header.Open] gave, which it does not keep.
func NewReader(r io.Reader, key *secret.Bytes) (*Reader, error) {
	stream, err := newOpener(r, key)
	if err != nil {
		return nil, err
	}
	x := &Reader{in: stream}
	kind, err := x.in.ReadByte()
	if err == nil && kind != kindManifest {
		err = errSense
	}
	var text []byte
	if err == nil {
		text, err = x.field(nil)
	}
	if err == nil {
		err = json.Unmarshal(text, &x.Manifest)
	}
	if err != nil {
		stream.wipe()
		return nil, noEnd(err)
	}
	return x, nil
}

var errSense = fmt.Errorf("%w: its content makes no sense", ErrDamaged)

// noEnd is for an end of the stream before the last record.
func noEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errSense
	}
	return err
}

// field reads a field into buf, which grows as the field comes in.
func (r *Reader) field(buf []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return nil, err
	}
	if n > maxField {
		return nil, errSense
	}
	if uint64(cap(buf)) < n {
		secret.Wipe(buf[:cap(buf)])
		buf = make([]byte, n)
	}
	_, err = io.ReadFull(r.in, buf[:n])
	return buf[:n], err
}

// Content is who takes a backup's content. What it gets is valid, and not wiped,
// only until it returns.
type Content interface {
	File(name string, mode fs.FileMode, content []byte) error
	Entry(b store.Bucket, key string, value []byte) error
}

// Each hands all that there is to c, and returns nil only if it is whole: until
// then nothing of it may be relied upon.
func (r *Reader) Each(c Content) (Totals, error) {
	var fields [3][]byte
	defer func() {
		for _, f := range fields {
			secret.Wipe(f[:cap(f)])
		}
		r.in.wipe()
	}()
	seen := Totals{Entries: map[store.Bucket]int{}}
	for {
		kind, err := r.in.ReadByte()
		if err != nil {
			return Totals{}, noEnd(err)
		}
		count := 3
		if kind == kindEnd {
			count = 1
		}
		for i := range count {
			if fields[i], err = r.field(fields[i]); err != nil {
				return Totals{}, noEnd(err)
			}
		}
		switch kind {
		case kindFile:
			seen.Files++
			mode, bad := strconv.ParseUint(string(fields[1]), 8, 9)
			if bad != nil {
				return Totals{}, errSense
			}
			err = c.File(string(fields[0]), fs.FileMode(mode), fields[2])
		case kindEntry:
			b := store.Bucket(fields[0])
			seen.Entries[b]++
			err = c.Entry(b, string(fields[1]), fields[2])
		case kindEnd:
			return seen, r.end(fields[0], seen)
		default:
			err = errSense
		}
		if err != nil {
			return Totals{}, err
		}
	}
}

// end compares what was read with what was written, and makes sure that nothing follows.
func (r *Reader) end(text []byte, seen Totals) error {
	var want Totals
	if err := json.Unmarshal(text, &want); err != nil || !want.equal(seen) {
		return errSense
	}
	if _, err := r.in.ReadByte(); err != io.EOF {
		if err == nil {
			err = errSense
		}
		return err
	}
	return nil
}
