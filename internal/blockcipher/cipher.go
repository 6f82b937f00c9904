package blockcipher

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/secret"
)

// KeySize is the length of a data key in bytes.
const KeySize = 32

// Tag tells the data keys of a database apart; it stands in each block.
type Tag [4]byte

// DataKey is a key under which blocks are encrypted.
type DataKey struct {
	Tag Tag
	Key *secret.Bytes // KeySize bytes
}

// A block is a header, the text, and what authenticates both:
//
//	1 byte    format: 1 is GCM, 2 is CBC
//	4 bytes   tag of the data key
//	16 bytes  salt, random for each opening
//	8 bytes   number of the block within the opening
//
// The data key itself encrypts nothing: each opening derives a key of its own from it,
// the salt and the name (HKDF-SHA-256). So a number is a nonce that is never used twice
// with its key, even if two nodes start from copies of one directory, and a block of
// another name, format or key does not pass as this one's.
const (
	formatGCM = 1
	formatCBC = 2

	tagAt, saltAt, numberAt, headerSize = 1, 5, 21, 29
	saltSize                            = numberAt - saltAt
)

// maxBlocks is how many blocks one opening encrypts under one derived key; after them it
// derives another.
const maxBlocks = 1 << 32

// maxEpochs is how many derived keys are kept for reading.
const maxEpochs = 4096

var (
	// ErrDamaged is a block that is not what was written, or is another's.
	ErrDamaged = errors.New("the block is damaged, or belongs to another table or database")
	// ErrRoom is a buffer that is too short.
	ErrRoom = errors.New("the buffer is too short")
)

// UnknownKeyError is a block under a data key that is not there.
type UnknownKeyError struct{ Tag Tag }

func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("the block is encrypted under the data key %x, which the key store does not have", e.Tag[:])
}

// Cipher encrypts and decrypts the blocks of one name. Its methods may be called from
// many goroutines.
type Cipher struct {
	mode Mode
	name string

	current atomic.Pointer[epoch]
	known   atomic.Pointer[map[epochID]*epoch]

	mu   sync.Mutex // for what changes the below, known and current
	keys map[Tag]*secret.Bytes
	last Tag
}

// epochID is the part of a header that a derived key depends on: format, tag, salt.
type epochID [numberAt]byte

// epoch is a derived key.
type epoch struct {
	id     epochID
	worker worker
	number atomic.Uint64 // of the last block that was encrypted
}

// worker encrypts and decrypts what follows the header, which is at the beginning of dst
// (of seal) and of src (of open).
type worker interface {
	seal(dst, src []byte) int
	open(dst, src []byte) (int, error)
}

// New returns the cipher of a name. The last key encrypts; all decrypt. The keys stay the
// caller's.
func New(mode Mode, name string, keys ...DataKey) (*Cipher, error) {
	if mode != GCM && mode != CBC {
		return nil, fmt.Errorf("there is no cipher %q", mode)
	}
	c := &Cipher{mode: mode, name: name, keys: map[Tag]*secret.Bytes{}}
	c.known.Store(&map[epochID]*epoch{})
	for _, k := range keys {
		if err := c.Add(k); err != nil {
			c.Wipe()
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no data key")
	}
	return c, nil
}

// Add has new blocks encrypted under another data key. Those that are encrypted
// already stay readable.
func (c *Cipher) Add(k DataKey) error {
	if k.Key.Len() != KeySize {
		return fmt.Errorf("a data key has %d bytes, not %d", KeySize, k.Key.Len())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		return errWiped
	}
	if c.keys[k.Tag] == nil {
		c.keys[k.Tag] = k.Key.Clone()
	}
	c.last = k.Tag
	return c.begin()
}

var errWiped = errors.New("the cipher is closed")

// Expansion is how much longer than its text a block may be, in bytes.
func (c *Cipher) Expansion() int {
	if c.mode == CBC {
		return headerSize + overheadCBC
	}
	return headerSize + overheadGCM
}

// Seal encrypts src into dst, which does not overlap it and has Expansion more bytes of
// room. It returns the length of the block.
func (c *Cipher) Seal(dst, src []byte) (int, error) {
	if len(dst) < len(src)+c.Expansion() {
		return 0, ErrRoom
	}
	e := c.current.Load()
	if e == nil {
		return 0, errWiped
	}
	n := e.number.Add(1)
	if n >= maxBlocks {
		var err error
		if e, n, err = c.next(e); err != nil {
			return 0, err
		}
	}
	copy(dst, e.id[:])
	binary.BigEndian.PutUint64(dst[numberAt:], n)
	return e.worker.seal(dst, src), nil
}

// Open decrypts the block src into dst, which does not overlap it and is as long. It
// returns the length of the text.
func (c *Cipher) Open(dst, src []byte) (int, error) {
	if len(src) < headerSize {
		return 0, ErrDamaged
	}
	if len(dst) < len(src)-headerSize {
		return 0, ErrRoom
	}
	id := epochID(src)
	e := c.current.Load()
	if e == nil {
		return 0, errWiped
	}
	if e.id != id {
		if e = (*c.known.Load())[id]; e == nil {
			var err error
			if e, err = c.recall(id); err != nil {
				return 0, err
			}
		}
	}
	return e.worker.open(dst, src)
}

// next gives a block that is one too many the first number of another epoch.
func (c *Cipher) next(full *epoch) (*epoch, uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		return nil, 0, errWiped
	}
	if c.current.Load() == full {
		if err := c.begin(); err != nil {
			return nil, 0, err
		}
	}
	e := c.current.Load()
	return e, e.number.Add(1), nil
}

// begin makes an epoch of the last key the current one. The caller holds c.mu.
func (c *Cipher) begin() error {
	var id epochID
	id[0] = formatGCM
	if c.mode == CBC {
		id[0] = formatCBC
	}
	copy(id[tagAt:], c.last[:])
	if _, err := rand.Read(id[saltAt:]); err != nil {
		return err
	}
	e, err := c.derive(id)
	if err != nil {
		return err
	}
	c.keep(e)
	c.current.Store(e)
	return nil
}

// recall derives the key of a block that an earlier opening has written.
func (c *Cipher) recall(id epochID) (*epoch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := (*c.known.Load())[id]; e != nil { // somebody was quicker
		return e, nil
	}
	e, err := c.derive(id)
	if err != nil {
		return nil, err
	}
	c.keep(e)
	return e, nil
}

// keep remembers an epoch: reading takes no lock, so the map is copied. A damaged block
// leaves one that is of no use, hence the bound. The caller holds c.mu.
func (c *Cipher) keep(e *epoch) {
	known := *c.known.Load()
	if len(known) >= maxEpochs {
		known = nil
	}
	known = maps.Clone(known)
	if known == nil {
		known = map[epochID]*epoch{}
	}
	known[e.id] = e
	c.known.Store(&known)
}

// derive makes the key of an epoch. The caller holds c.mu.
func (c *Cipher) derive(id epochID) (*epoch, error) {
	if id[0] != formatGCM && id[0] != formatCBC {
		return nil, ErrDamaged
	}
	if c.keys == nil {
		return nil, errWiped
	}
	tag := Tag(id[tagAt:])
	key := c.keys[tag]
	if key == nil {
		return nil, &UnknownKeyError{tag}
	}
	w, err := newWorker(id, key, c.name)
	if err != nil {
		return nil, err
	}
	return &epoch{id: id, worker: w}, nil
}

// Wipe wipes the data keys. Calls after it fail.
func (c *Cipher) Wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.keys {
		k.Wipe()
	}
	c.keys = nil
	c.current.Store(nil)
	c.known.Store(&map[epochID]*epoch{})
}
