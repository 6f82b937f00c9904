package kmstest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// key is a KMS key with all versions of its material; the last is in use.
type key struct {
	arn, region, id    string
	usage, spec, state string
	materials          [][]byte
	rotations          []time.Time
	pending            time.Time // when the rotation that is going on is over
	pendingSince       time.Time
}

func newKey(region, usage, spec string) *key {
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	id := fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
	k := &key{id: id, region: region, arn: arnOf(region, "key/"+id), usage: usage, spec: spec, state: "Enabled"}
	k.addMaterial()
	return k
}

func arnOf(region, resource string) string {
	return "arn:aws:kms:" + region + ":" + account + ":" + resource
}

func (k *key) addMaterial() {
	m := make([]byte, 32)
	rand.Read(m)
	k.materials = append(k.materials, m)
}

// rotated ends a rotation whose time has come, and returns k.
func (k *key) rotated() *key {
	if !k.pending.IsZero() && !time.Now().Before(k.pending) {
		k.addMaterial()
		k.rotations = append(k.rotations, k.pending)
		k.pending = time.Time{}
	}
	return k
}

// materialID names the version n of the material.
func (k *key) materialID(n int) string {
	return fmt.Sprintf("%s%0*d", hex.EncodeToString(k.materials[n][:8]), 48, n)
}

// A blob is the length of a key's ID, the ID, the number of the material, a nonce,
// and what AES-GCM makes with the encryption context as additional data.

const nonceSize = 12

func (k *key) encrypt(plain []byte, context map[string]string) []byte {
	k.rotated()
	n := len(k.materials) - 1
	blob := append([]byte{byte(len(k.id))}, k.id...)
	blob = binary.BigEndian.AppendUint32(blob, uint32(n))
	head := len(blob)
	blob = append(blob, make([]byte, nonceSize)...)
	rand.Read(blob[head:])
	return k.aead(n).Seal(blob, blob[head:], plain, additional(blob[:head], context))
}

// split takes a blob apart.
func split(blob []byte) (id string, material, head int, ok bool) {
	if len(blob) == 0 {
		return "", 0, 0, false
	}
	head = 1 + int(blob[0]) + 4
	if len(blob) < head+nonceSize {
		return "", 0, 0, false
	}
	return string(blob[1 : head-4]), int(binary.BigEndian.Uint32(blob[head-4:])), head, true
}

func (k *key) decrypt(blob []byte, context map[string]string) (plain []byte, material int, ok bool) {
	_, n, head, ok := split(blob)
	if !ok || n >= len(k.materials) {
		return nil, 0, false
	}
	plain, err := k.aead(n).Open(nil, blob[head:head+nonceSize], blob[head+nonceSize:], additional(blob[:head], context))
	return plain, n, err == nil
}

func (k *key) aead(n int) cipher.AEAD {
	b, err := aes.NewCipher(k.materials[n])
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCM(b)
	if err != nil {
		panic(err)
	}
	return a
}

// additional is what a blob is bound to.
func additional(head []byte, context map[string]string) []byte {
	if len(context) == 0 {
		return head
	}
	b, _ := json.Marshal(context) // sorted
	return append(head[:len(head):len(head)], b...)
}
