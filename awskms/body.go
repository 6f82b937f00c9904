package awskms

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

// body is the body of Encrypt, in memory that is wiped. It is safe against who still
// reads it when the call is over.
type body struct {
	mu    sync.Mutex
	text  *secret.Bytes
	at    int
	wiped bool
}

// padding is how many spaces end a body. The last block of its hash and the last
// record of TLS are spaces then, and no part of the key lies where those have kept it.
const padding = recordSize + 64

// newBody puts the plaintext at the head of a JSON object that has the rest.
func newBody(plain, others []byte) (*body, error) {
	members, ok := bytes.CutPrefix(bytes.TrimSpace(others), []byte("{"))
	if !ok || len(members) < 2 || bytes.HasPrefix(bytes.TrimSpace(members), []byte("}")) {
		return nil, errors.New("the request has no members")
	}
	const head, foot = `{"Plaintext":"`, `",`
	size := base64.StdEncoding.EncodedLen(len(plain))
	text := secret.New(len(head) + size + len(foot) + len(members) + padding)
	b := text.Reveal()
	n := copy(b, head)
	base64.StdEncoding.Encode(b[n:n+size], plain)
	n += size
	n += copy(b[n:], foot)
	n += copy(b[n:], members)
	for ; n < len(b); n++ {
		b[n] = ' '
	}
	return &body{text: text}, nil
}

var errWiped = errors.New("the request is over")

func (b *body) Read(into []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wiped {
		return 0, errWiped
	}
	rest := b.text.Reveal()[b.at:]
	if len(rest) == 0 {
		return 0, io.EOF
	}
	n := copy(into, rest)
	b.at += n
	return n, nil
}

// WriteTo saves io.Copy, which hashes the body, a buffer of its own.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wiped {
		return 0, errWiped
	}
	n, err := w.Write(b.text.Reveal()[b.at:])
	b.at += n
	return int64(n), err
}

func (b *body) Seek(offset int64, whence int) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	to := int(offset)
	switch whence {
	case io.SeekCurrent:
		to += b.at
	case io.SeekEnd:
		to += b.text.Len()
	}
	if to < 0 || to > b.text.Len() {
		return 0, errors.New("no such place in the request")
	}
	b.at = to
	return int64(to), nil
}

// wipe ends the body.
func (b *body) wipe() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Wipe()
	b.at, b.wiped = 0, true
}
