package masterkey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/secret"
)

// CheckValue tells a master key from others and says nothing else of it.
func CheckValue(key *secret.Bytes) string {
	h := hmac.New(sha256.New, key.Reveal())
	h.Write([]byte("dbkeyring key check"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// keys are what is derived from a master key for one store.
type keys struct{ wrap, mac *secret.Bytes }

func deriveKeys(master *secret.Bytes, store string) (*keys, error) {
	var k keys
	for what, key := range map[string]**secret.Bytes{"wrap": &k.wrap, "mac": &k.mac} {
		derived, err := hkdf.Key(sha256.New, master.Reveal(), []byte(store), "dbkeyring keystore "+what, Size)
		if err != nil {
			return nil, err
		}
		*key = secret.Take(derived)
	}
	return &k, nil
}

func (k *keys) wipe() {
	if k != nil {
		k.wrap.Wipe()
		k.mac.Wipe()
	}
}

func (k *keys) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.wrap.Reveal())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is what a wrapped key belongs to.
func bound(store, id, tag string) []byte { return []byte(store + "\x00" + tag + "\x00" + id) }

// seal wraps a data key.
func (k *keys) seal(store, id, tag string, key *secret.Bytes) ([]byte, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, key.Reveal(), bound(store, id, tag)), nil
}

var errWrapped = errors.New("a data key in it cannot be unwrapped")

// open unwraps a data key.
func (k *keys) open(store string, d dataKey) (*secret.Bytes, error) {
	aead, err := k.aead()
	if err != nil {
		return nil, err
	}
	key := secret.New(Size)
	if len(d.Key) != Size+aead.Overhead() {
		return nil, errWrapped
	}
	if _, err := aead.Open(key.Reveal()[:0], nil, d.Key, bound(store, d.ID, d.Tag)); err != nil {
		key.Wipe()
		return nil, fmt.Errorf("%w (%s)", errWrapped, d.Tag)
	}
	return key, nil
}

// sign puts the MAC into a content.
func (k *keys) sign(c *content) error {
	mac, err := k.sum(c)
	c.MAC = mac
	return err
}

func (k *keys) sum(c *content) ([]byte, error) {
	text, err := c.authenticated()
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, k.mac.Reveal())
	h.Write(text)
	return h.Sum(nil), nil
}

// verify says whether the content was written by who has the master key.
func (k *keys) verify(c *content) error {
	mac, err := k.sum(c)
	if err != nil {
		return err
	}
	if !hmac.Equal(mac, c.MAC) {
		return errors.New("it was changed by something else than dbkeyring")
	}
	return nil
}

// newTag returns a tag that the content does not have.
func (c *content) newTag() (string, error) {
	for {
		var b [4]byte
		if _, err := rand.Read(b[:]); err != nil {
			return "", err
		}
		tag := hex.EncodeToString(b[:])
		taken := false
		for _, d := range c.Keys {
			taken = taken || d.Tag == tag
		}
		if !taken {
			return tag, nil
		}
	}
}
