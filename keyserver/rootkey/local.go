package rootkey

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/dbkeyring/dbkeyring/secret"
)

// What a root key of ours is used for. Each use has a key of its own, derived with
// HMAC-SHA256, so that the ID tells nothing of the key that wraps.
const (
	useID   = "dbkeyring root key: identifier"
	useWrap = "dbkeyring root key: data keys, AES-256-GCM"
)

// local is a root key whose bytes are here.
type local struct{ wrap *secret.Bytes }

// newLocal takes a root key of Size bytes, which stays the caller's.
func newLocal(root *secret.Bytes) (Key, error) {
	if root.Len() != Size {
		return nil, fmt.Errorf("a root key has %d bytes, not %d", Size, root.Len())
	}
	return &local{derive(root, useWrap)}, nil
}

func derive(root *secret.Bytes, use string) *secret.Bytes {
	mac := hmac.New(sha256.New, root.Reveal())
	mac.Write([]byte(use))
	return secret.Take(mac.Sum(nil))
}

// idOf tells a root key from others without telling it.
func idOf(root *secret.Bytes) string {
	id := derive(root, useID)
	defer id.Wipe()
	return hex.EncodeToString(id.Reveal()[:8])
}

func (l *local) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(l.wrap.Reveal())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Wrap implements [Key]: a random nonce, then the text.
func (l *local) Wrap(_ context.Context, plain *secret.Bytes) ([]byte, error) {
	gcm, err := l.gcm()
	if err != nil {
		return nil, err
	}
	box := make([]byte, gcm.NonceSize(), gcm.NonceSize()+plain.Len()+gcm.Overhead())
	rand.Read(box) // never fails
	return gcm.Seal(box, box, plain.Reveal(), nil), nil
}

// Unwrap implements [Key].
func (l *local) Unwrap(_ context.Context, wrapped []byte) (*secret.Bytes, error) {
	gcm, err := l.gcm()
	if err != nil {
		return nil, err
	}
	if len(wrapped) < gcm.NonceSize() {
		return nil, ErrWrong
	}
	plain, err := gcm.Open(nil, wrapped[:gcm.NonceSize()], wrapped[gcm.NonceSize():], nil)
	if err != nil {
		return nil, ErrWrong // or damaged: nobody can tell
	}
	return secret.Take(plain), nil
}

// Wipe implements [Key].
func (l *local) Wipe() { l.wrap.Wipe() }
