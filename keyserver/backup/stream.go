package backup

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/dbkeyring/dbkeyring/secret"
)

// chunkSize is how much plain text a chunk has, but for the last, which has less:
// so that a chunk of full size is never the last.
const chunkSize = 64 << 10

// nonce returns the nonce of a chunk. The key is that of one file only.
func nonce(number uint64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:], number)
	if last {
		n[11] = 1
	}
	return n
}

// sealer encrypts a stream.
type sealer struct {
	w      io.Writer
	gcm    cipher.AEAD
	number uint64
	plain  *secret.Bytes
	filled int
	box    []byte
	size   int64 // written so far
}

func newSealer(w io.Writer, key *secret.Bytes) (*sealer, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return &sealer{w: w, gcm: gcm, plain: secret.New(chunkSize), box: make([]byte, 0, chunkSize+gcm.Overhead())}, nil
}

func (s *sealer) Write(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(s.plain.Reveal()[s.filled:], p[n:])
		n, s.filled = n+k, s.filled+k
		if s.filled == chunkSize {
			if err := s.flush(false); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func (s *sealer) flush(last bool) error {
	s.box = s.gcm.Seal(s.box[:0], nonce(s.number, last), s.plain.Reveal()[:s.filled], nil)
	s.number, s.filled = s.number+1, 0
	n, err := s.w.Write(s.box)
	s.size += int64(n)
	return err
}

// end writes the last chunk.
func (s *sealer) end() error { return s.flush(true) }

func (s *sealer) wipe() { s.plain.Wipe() }

// opener decrypts a stream. After the last chunk it says io.EOF.
type opener struct {
	r      io.Reader
	gcm    cipher.AEAD
	number uint64
	plain  *secret.Bytes
	rest   []byte // of plain
	box    []byte
	ended  bool
}

func newOpener(r io.Reader, key *secret.Bytes) (*opener, error) {
	gcm, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	return &opener{r: r, gcm: gcm, plain: secret.New(chunkSize), box: make([]byte, chunkSize+gcm.Overhead())}, nil
}

func (o *opener) Read(p []byte) (int, error) {
	for len(o.rest) == 0 {
		if o.ended {
			return 0, io.EOF
		}
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// ReadByte implements [io.ByteReader].
func (o *opener) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(o, b[:])
	return b[0], err
}

func (o *opener) next() error {
	n, err := io.ReadFull(o.r, o.box)
	last := errors.Is(err, io.ErrUnexpectedEOF)
	switch {
	case err == io.EOF:
		return fmt.Errorf("%w: it is cut off after chunk %d", ErrDamaged, o.number)
	case err != nil && !last:
		return err
	}
	plain, err := o.gcm.Open(o.plain.Reveal()[:0], nonce(o.number, last), o.box[:n], nil)
	if err != nil {
		how := ""
		if last {
			how = ", or cut off there"
		}
		return fmt.Errorf("%w in its chunk %d of %d KiB%s", ErrDamaged, o.number+1, chunkSize>>10, how)
	}
	o.rest, o.ended, o.number = plain, last, o.number+1
	return nil
}

func (o *opener) wipe() { o.plain.Wipe() }
