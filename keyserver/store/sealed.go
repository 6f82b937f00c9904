package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

// RootKeySize is the size of a root key in bytes.
const RootKeySize = 32

var (
	// ErrRootKey: the store was sealed with another root key.
	ErrRootKey = errors.New("the root key is not the one that the key store was encrypted with")
	// ErrSealBroken: a value is not what was written under its key.
	ErrSealBroken = errors.New("a value in the key store is damaged, or was put there by something else")
)

// A sealed value is
//
//	1 byte   version, sealVersion
//	16 bytes salt, random
//	12 bytes nonce, random
//	n + 16   AES-256-GCM under HMAC-SHA256(root key, salt), authenticating
//	         version, bucket and key besides
//
// A key of its own for each value lifts GCM's limit of 2^32 random nonces.
const (
	sealVersion = 1
	saltSize    = 16
	nonceSize   = 12
	sealHeader  = 1 + saltSize + nonceSize
)

// Where the proof that a root key is the right one lies, and what it says.
const (
	sealBucket Bucket = "seal"
	sealKey           = "check"
	sealText          = "dbkeyring key store"
)

// Sealed encrypts what lies in s: every value, and each is bound to its bucket
// and key, so that values cannot be exchanged for one another. Keys (identifiers
// and names) stay readable, and that a value is missing or old is not noticed.
//
// The root key has RootKeySize bytes and stays the caller's. A wrong one is
// ErrRootKey. Closing the sealed store closes s.
func Sealed(s Store, rootKey *secret.Bytes) (Store, error) {
	if rootKey.Len() != RootKeySize {
		return nil, fmt.Errorf("a root key has %d bytes, not %d", RootKeySize, rootKey.Len())
	}
	x := &sealed{inner: s, root: rootKey.Clone()}
	if err := x.check(); err != nil {
		x.root.Wipe()
		return nil, err
	}
	return x, nil
}

type sealed struct {
	inner Store

	mu   sync.RWMutex // a reader may still be busy when Close wipes the root key
	root *secret.Bytes
}

// check proves the root key against what the store's first opening left there.
func (s *sealed) check() error {
	var found bool
	err := s.View(func(tx Reader) error {
		_, ok, err := tx.Get(sealBucket, sealKey)
		found = ok
		if errors.Is(err, ErrSealBroken) {
			return ErrRootKey
		}
		return err
	})
	if err != nil || found {
		return err
	}
	return s.Update(context.Background(), func(tx Writer) error { return tx.Put(sealBucket, sealKey, []byte(sealText)) })
}

// View implements [Store]. What was opened is wiped when fn returns.
func (s *sealed) View(fn func(Reader) error) error {
	return s.inner.View(func(tx Reader) error {
		r := &sealedReader{s: s, tx: tx}
		defer r.wipe()
		return fn(r)
	})
}

// Update implements [Store]. What was opened is wiped when fn returns.
func (s *sealed) Update(ctx context.Context, fn func(Writer) error) error {
	return s.inner.Update(ctx, func(tx Writer) error {
		w := &sealedWriter{sealedReader{s: s, tx: tx}, tx}
		defer w.wipe()
		return fn(w)
	})
}

// Close implements [Store].
func (s *sealed) Close() error {
	err := s.inner.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root.Wipe()
	return err
}

type sealedReader struct {
	s      *sealed
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
	plain, err := r.s.open(b, key, value)
	if err != nil {
		return nil, false, err
	}
	r.opened = append(r.opened, plain)
	return plain, true, nil
}

func (r *sealedReader) Range(b Bucket, prefix string, fn func(string, []byte) error) error {
	return r.tx.Range(b, prefix, func(key string, value []byte) error {
		plain, err := r.s.open(b, key, value)
		if err != nil {
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

func (s *sealed) seal(b Bucket, key string, value []byte) ([]byte, error) {
	box := make([]byte, sealHeader, sealHeader+len(value)+16)
	box[0] = sealVersion
	rand.Read(box[1:sealHeader]) // never fails
	gcm, err := s.cipher(box[1 : 1+saltSize])
	if err != nil {
		return nil, err
	}
	return gcm.Seal(box, box[1+saltSize:sealHeader], value, associated(b, key)), nil
}

func (s *sealed) open(b Bucket, key string, box []byte) ([]byte, error) {
	if len(box) < sealHeader {
		return nil, fmt.Errorf("%s %q: %w", b, key, ErrSealBroken)
	}
	if box[0] != sealVersion {
		return nil, fmt.Errorf("%s %q: %w (version %d, of which this program knows %d)", b, key, ErrSealBroken, box[0], sealVersion)
	}
	gcm, err := s.cipher(box[1 : 1+saltSize])
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, box[1+saltSize:sealHeader], box[sealHeader:], associated(b, key))
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", b, key, ErrSealBroken)
	}
	if plain == nil {
		plain = []byte{} // there, and empty
	}
	return plain, nil
}

// cipher returns the cipher of one value.
func (s *sealed) cipher(salt []byte) (cipher.AEAD, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	root := s.root.Reveal()
	if len(root) != RootKeySize {
		return nil, ErrClosed
	}
	mac := hmac.New(sha256.New, root)
	mac.Write(salt)
	var derived [sha256.Size]byte
	mac.Sum(derived[:0])
	defer secret.Wipe(derived[:])
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// associated is what the seal binds a value to: version, bucket and key, each of
// which has one beginning and one end.
func associated(b Bucket, key string) []byte {
	a := make([]byte, 0, 1+binary.MaxVarintLen64+len(b)+len(key))
	a = append(a, sealVersion)
	a = binary.AppendUvarint(a, uint64(len(b)))
	a = append(a, b...)
	return append(a, key...)
}
