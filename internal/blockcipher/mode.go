// Package blockcipher is what is done to a block of a database before it is written:
// authenticated encryption whose nonces are never used twice, not even by two nodes that
// began with copies of one data directory.
package blockcipher

// Mode is a way to encrypt a block, in the words of security.encryptionCipherMode.
type Mode string

const (
	// GCM is AES-256 in Galois/Counter Mode.
	GCM Mode = "AES256-GCM"
	// CBC is AES-256 in Cipher Block Chaining mode, and HMAC-SHA-256 over the result.
	CBC Mode = "AES256-CBC"
)
