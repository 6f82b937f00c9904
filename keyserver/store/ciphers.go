package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	// valuesPerSalt bounds how many values are sealed under one derived key, far below
	// the 2^32 random nonces that GCM allows.
	valuesPerSalt = 1 << 20
	// keptCiphers bounds how many are kept: a store has as many salts as there were
	// starts of the server and millions of values. One of an older version has a salt
	// for each value, and gains nothing.
	keptCiphers = 1024
)

// cipherID says which key a value is under.
type cipherID struct {
	number uint32 // of the data key
	salt   [saltSize]byte
}

// ciphers derives the keys of values from the data keys, and keeps those in use: that
// takes longer than to open a value.
type ciphers struct {
	mu   sync.RWMutex
	kept map[cipherID]cipher.AEAD
	seal cipherID // that values are sealed under
	left int      // how many more
}

// get returns the cipher of a value, derived from the data key if there is none yet.
func (c *ciphers) get(id cipherID, data *secret.Bytes) (cipher.AEAD, error) {
	c.mu.RLock()
	aead := c.kept[id]
	c.mu.RUnlock()
	if aead != nil {
		return aead, nil
	}
	aead, err := derive(id, data)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= keptCiphers {
		clear(c.kept)
	}
	if c.kept == nil {
		c.kept = make(map[cipherID]cipher.AEAD)
	}
	c.kept[id] = aead
	return aead, nil
}

// next returns what the next value is to be sealed under with that data key.
func (c *ciphers) next(number uint32) cipherID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 || c.seal.number != number {
		c.seal.number, c.left = number, valuesPerSalt
		rand.Read(c.seal.salt[:]) // never fails
	}
	c.left--
	return c.seal
}

func (c *ciphers) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
}

func derive(id cipherID, data *secret.Bytes) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, data.Reveal())
	mac.Write(id.salt[:])
	var derived [sha256.Size]byte
	mac.Sum(derived[:0])
	defer secret.Wipe(derived[:])
	block, err := aes.NewCipher(derived[:])
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return cipher.NewGCM(block)
}
