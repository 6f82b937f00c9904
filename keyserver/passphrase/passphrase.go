// Package passphrase makes a key out of a pass phrase with Argon2id (RFC 9106),
// which is slow and takes memory, so that guessing is.
package passphrase

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/dbkeyring/dbkeyring/secret"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// Shortest is how many bytes a pass phrase has at least.
const Shortest = 8

// ErrShort: the pass phrase is easily guessed.
var ErrShort = fmt.Errorf("the pass phrase has fewer than %d characters", Shortest)

// Params are stored beside what is encrypted: who knows them and the pass phrase
// comes by the key.
type Params struct {
	Salt      []byte `json:"salt"`
	Passes    uint32 `json:"passes"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// The bounds of what is read: a file must not make its reader run out of memory.
const (
	saltSize  = 16
	maxPasses = 32
	maxMemory = 1 << 20 // KiB
	maxThread = 32
)

// New returns the parameters for a new key, with a random salt: the second set of
// RFC 9106, 4, which takes 64 MiB and some tenths of a second.
func New() Params {
	p := Params{Salt: make([]byte, saltSize), Passes: 3, MemoryKiB: 64 << 10, Threads: 4}
	rand.Read(p.Salt) // never fails
	return p
}

// Key returns the key of a pass phrase. ErrShort: it is too short to be one.
func (p Params) Key(phrase *secret.Bytes) (*secret.Bytes, error) {
	if len(p.Salt) < 8 || p.Passes < 1 || p.Passes > maxPasses || p.MemoryKiB < 8 || p.MemoryKiB > maxMemory || p.Threads < 1 || p.Threads > maxThread {
		return nil, errors.New("the parameters of the pass phrase's key are out of bounds")
	}
	if phrase.Len() < Shortest {
		return nil, ErrShort
	}
	return secret.Take(argon2.IDKey(phrase.Reveal(), p.Salt, p.Passes, p.MemoryKiB, p.Threads, KeySize)), nil
}
