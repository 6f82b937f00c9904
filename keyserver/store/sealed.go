package store

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

// DataKeySize is the size of a data key in bytes.
const DataKeySize = 32

// DataKey is a key that values are sealed under, of [DataKeySize] bytes. Its number is
// written beside each value that is. Number 0 is the only one that a store had before
// data keys could be changed.
type DataKey struct {
	Number uint32
	Key    *secret.Bytes
}

var (
	// ErrDataKey: the store was sealed with another key.
	ErrDataKey = errors.New("the key is not the one that the key store was encrypted with")
	// ErrSealBroken: a value is not what was written under its key.
	ErrSealBroken = errors.New("a value in the key store is damaged, or was put there by something else")
)

// A sealed value is
//
//	1 byte   version: numbered, or unnumbered and without the next field
//	4 bytes  number of the data key, big-endian
//	16 bytes salt, random, the same for many values
//	12 bytes nonce, random
//	n + 16   AES-256-GCM under HMAC-SHA256(data key, salt), authenticating
//	         version, number, bucket and key besides
//
// A salt for each [valuesPerSalt] values lifts GCM's limit of 2^32 random nonces.
const (
	unnumbered = 1
	numbered   = 2
	numberSize = 4
	saltSize   = 16
	nonceSize  = 12
)

// Where the proof that a data key is the right one lies, and what it says.
const (
	sealBucket Bucket = "seal"
	sealKey           = "check"
	sealText          = "dbkeyring key store"
)

// Sealed is a store that encrypts what lies in another one: every value, and each is
// bound to its bucket and key, so that values cannot be exchanged for one another. Keys
// (identifiers and names) stay readable, and that a value is missing or old is not
// noticed. Closing it closes the other one.
type Sealed struct {
	inner Store

	mu      sync.RWMutex // a reader may still be busy when Close wipes the keys
	keys    map[uint32]*secret.Bytes
	current uint32 // seals
	oldest  uint32 // that a value may be under; those before are for readers of old

	ciphers ciphers
}

// Seal opens s with its data keys, which stay the caller's: the last one seals what is
// written, all of them open. If they are not those of s it is ErrDataKey.
func Seal(s Store, keys ...DataKey) (*Sealed, error) {
	x := &Sealed{inner: s, keys: make(map[uint32]*secret.Bytes)}
	for _, k := range keys {
		if err := x.Use(k); err != nil {
			return nil, errors.Join(err, x.wipe())
		}
	}
	if err := x.check(); err != nil {
		return nil, errors.Join(err, x.wipe())
	}
	return x, nil
}

// Use seals with another key from now on. Values under the others can still be read
// until the store is closed.
func (s *Sealed) Use(k DataKey) error {
	if k.Key.Len() != DataKeySize {
		return fmt.Errorf("a data key has %d bytes, not %d", DataKeySize, k.Key.Len())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) > 0 && k.Number <= s.current {
		return fmt.Errorf("data key %d comes after number %d", k.Number, s.current)
	}
	s.keys[k.Number], s.current = k.Key.Clone(), k.Number
	return nil
}

// DataKeys returns copies of all keys that values may be under, the current one last.
// There is none when the store is closed.
func (s *Sealed) DataKeys() (keys []DataKey) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, n := range slices.Sorted(maps.Keys(s.keys)) {
		if n < s.oldest {
			continue
		}
		keys = append(keys, DataKey{n, s.keys[n].Clone()})
	}
	return keys
}

func (s *Sealed) wipe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		k.Wipe()
	}
	clear(s.keys)
	s.ciphers.forget()
	return nil
}

// check proves the data keys against what the store's first opening left there.
func (s *Sealed) check() error {
	var found bool
	err := s.View(func(tx Reader) error {
		_, ok, err := tx.Get(sealBucket, sealKey)
		found = ok
		if errors.Is(err, ErrSealBroken) {
			return ErrDataKey
		}
		return err
	})
	if err != nil || found {
		return err
	}
	return s.Update(context.Background(), func(tx Writer) error { return tx.Put(sealBucket, sealKey, []byte(sealText)) })
}

// View implements [Store]. What was opened is wiped when fn returns.
func (s *Sealed) View(fn func(Reader) error) error {
	return s.inner.View(func(tx Reader) error {
		r := &sealedReader{s: s, tx: tx}
		defer r.wipe()
		return fn(r)
	})
}

// Update implements [Store]. What was opened is wiped when fn returns.
func (s *Sealed) Update(ctx context.Context, fn func(Writer) error) error {
	return s.inner.Update(ctx, func(tx Writer) error {
		w := &sealedWriter{sealedReader{s: s, tx: tx}, tx}
		defer w.wipe()
		return fn(w)
	})
}

// Close implements [Store].
func (s *Sealed) Close() error { return errors.Join(s.inner.Close(), s.wipe()) }

type sealedReader struct {
	s      *Sealed
	tx     Reader
	opened [][]byte // what Get has given out
}

// wipe erases what Get has given out: it may be keys, and is on Go's heap.
func (r *sealedReader) wipe() {
	for _, plain := range r.opened {
		secret.Wipe(plain)
	}
}

func (r *sealedReader) Get(b Bucket, key string) ([]byte, bool, error) {
	value, ok, err := r.tx.Get(b, key)
	if err != nil || !ok {
		return nil, false, err
	}
	plain, err := r.s.open(nil, b, key, value, new([]byte))
	if err != nil {
		return nil, false, err
	}
	r.opened = append(r.opened, plain)
	return plain, true, nil
}

func (r *sealedReader) Range(b Bucket, prefix string, fn func(string, []byte) error) error {
	var plain, extra []byte // used again, as the value is valid until fn returns
	return r.tx.Range(b, prefix, func(key string, value []byte) (err error) {
		if plain, err = r.s.open(plain[:0], b, key, value, &extra); err != nil {
			return err
		}
		defer secret.Wipe(plain)
		return fn(key, plain)
	})
}

// Buckets leaves out the seal's own.
func (r *sealedReader) Buckets() ([]Bucket, error) {
	all, err := r.tx.Buckets()
	return slices.DeleteFunc(all, func(b Bucket) bool { return b == sealBucket }), err
}

type sealedWriter struct {
	sealedReader
	tx Writer
}

func (w *sealedWriter) Put(b Bucket, key string, value []byte) error {
	box, err := w.s.seal(b, key, value)
	if err != nil {
		return err
	}
	return w.tx.Put(b, key, box)
}

func (w *sealedWriter) Delete(b Bucket, key string) error { return w.tx.Delete(b, key) }

func (s *Sealed) seal(b Bucket, key string, value []byte) ([]byte, error) {
	s.mu.RLock()
	number := s.current
	s.mu.RUnlock()
	id := s.ciphers.next(number)
	gcm, err := s.cipher(id)
	if err != nil {
		return nil, err
	}
	box := make([]byte, 0, 1+numberSize+saltSize+nonceSize+len(value)+gcm.Overhead())
	if number == 0 {
		box = append(box, unnumbered)
	} else {
		box = binary.BigEndian.AppendUint32(append(box, numbered), number)
	}
	head := len(box)
	box = append(box, id.salt[:]...)
	box = box[:head+saltSize+nonceSize]
	rand.Read(box[head+saltSize:]) // never fails
	return gcm.Seal(box, box[head+saltSize:], value, associated(nil, box[:head], b, key)), nil
}

// numberOf returns the number of the data key that box is sealed under, and how long
// the field is with the version before it.
func numberOf(box []byte) (number uint32, head int, err error) {
	head = 1
	if len(box) > 0 && box[0] == numbered {
		head = 1 + numberSize
	}
	switch {
	case len(box) < head+saltSize+nonceSize:
		return 0, 0, ErrSealBroken
	case box[0] == numbered:
		return binary.BigEndian.Uint32(box[1:]), head, nil
	case box[0] == unnumbered:
		return 0, head, nil
	}
	return 0, 0, fmt.Errorf("%w (version %d, of which this program knows %d)", ErrSealBroken, box[0], numbered)
}

// open appends what is in box to dst. extra is memory for it to use, and to use again.
func (s *Sealed) open(dst []byte, b Bucket, key string, box []byte, extra *[]byte) ([]byte, error) {
	number, head, err := numberOf(box)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", b, key, err)
	}
	gcm, err := s.cipher(cipherID{number, [saltSize]byte(box[head:])})
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", b, key, err)
	}
	text := head + saltSize + nonceSize
	*extra = associated((*extra)[:0], box[:head], b, key)
	plain, err := gcm.Open(dst, box[head+saltSize:text], box[text:], *extra)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", b, key, ErrSealBroken)
	}
	if plain == nil {
		plain = []byte{} // there, and empty
	}
	return plain, nil
}

// cipher returns the cipher of a value.
func (s *Sealed) cipher(id cipherID) (cipher.AEAD, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.keys) == 0 {
		return nil, ErrClosed
	}
	data := s.keys[id.number]
	if data == nil {
		return nil, fmt.Errorf("%w (it names data key %d, which there is none of)", ErrSealBroken, id.number)
	}
	return s.ciphers.get(id, data)
}

// associated appends what the seal binds a value to: head, which is version and number,
// bucket and key, each of which has one beginning and one end.
func associated(a, head []byte, b Bucket, key string) []byte {
	a = slices.Grow(a, len(head)+binary.MaxVarintLen64+len(b)+len(key))
	a = append(a, head...)
	a = binary.AppendUvarint(a, uint64(len(b)))
	a = append(a, b...)
	return append(a, key...)
}
