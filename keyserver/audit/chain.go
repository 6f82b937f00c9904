package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strconv"
)

// Each line carries a hash of itself and of the line before, so that none can be
// changed, taken out or put in without all that follow being made anew; and that shows
// as soon as one of the heads that the server has kept elsewhere is looked for.
// The first line of a file has the hash of the last one in the file before it.

// Head is a place in the chain: the number of a line, counted from the chain's
// beginning, and its hash.
type Head struct {
	Seq   uint64 `json:"seq"`
	Chain string `json:"chain"` // base64, as it stands in the line; "" before the first line
}

// The fields that end a line.
const (
	prevKey  = `,"prev":"`
	seqKey   = `,"seq":`
	chainKey = `,"chain":"`
)

// sum returns the hash of a line, up to its own hash, that follows on the head.
func (h Head) sum(line []byte) string {
	text := make([]byte, 0, 1024) // on the stack, for most lines
	sum := sha256.Sum256(append(append(text, h.Chain...), line...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// link completes a line, which is JSON without its last brace, and appends it to b. first
// lines tell what they follow on.
func (h Head) link(b, line []byte, first bool) ([]byte, Head) {
	begin := len(b)
	b = append(b, line...)
	if first {
		b = append(append(append(b, prevKey...), h.Chain...), '"')
	}
	next := Head{Seq: h.Seq + 1}
	b = strconv.AppendUint(append(b, seqKey...), next.Seq, 10)
	next.Chain = h.sum(b[begin:])
	b = append(append(b, chainKey...), next.Chain...)
	return append(b, "\"}\n"...), next
}

// chained reads a line's place in the chain; ok is false for a line that has none.
func chained(line []byte) (body []byte, head Head, prev *string, ok bool) {
	i := bytes.LastIndex(line, []byte(chainKey))
	if i < 0 {
		return nil, head, nil, false
	}
	var fields struct {
		Seq   uint64  `json:"seq"`
		Chain string  `json:"chain"`
		Prev  *string `json:"prev"`
	}
	if err := json.Unmarshal(line, &fields); err != nil || fields.Seq == 0 || fields.Chain == "" {
		return nil, head, nil, false
	}
	return line[:i], Head{fields.Seq, fields.Chain}, fields.Prev, true
}

// tailSize is more than a line has in bytes: names and reasons are bounded by the size
// of a request.
const tailSize = 4 << 20

// lastHead looks for the last whole line of a file: its head, which is nil if the file has no
// line that is chained, and whether anything stands in the file.
func lastHead(f *os.File) (head *Head, empty bool, err error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, true, err
	}
	from := max(0, info.Size()-tailSize)
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return nil, false, err
	}
	// What follows the last newline was cut off; what another program has left may be no line.
	for end := bytes.LastIndexByte(text, '\n'); end >= 0; end = bytes.LastIndexByte(text[:end], '\n') {
		if _, h, _, ok := chained(text[bytes.LastIndexByte(text[:end], '\n')+1 : end]); ok {
			return &h, false, nil
		}
	}
	return nil, false, nil
}
