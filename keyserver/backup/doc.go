// Package backup is the form of a key server's backup: one encrypted file with
// everything that a new server needs to go on, but for a root key, which it makes
// itself. The package knows the form only; package datadir fills and reads it.
//
// A file is
//
//	16 bytes  "dbkeyring backup"
//	2 bytes   version, 1
//	4 bytes   length of the header
//	n bytes   header: JSON, see [Header]
//	8 bytes   beginning of the SHA-256 of all before: tells damage from a wrong key
//	chunks    AES-256-GCM, each of 64 KiB and its tag; the last is shorter
//
// The chunks are encrypted under HKDF-SHA256(file key, SHA-256 of the header), and
// their nonces are their numbers and whether they are the last: a chunk that is
// missing, moved or added is noticed, and so is a file that ends early. The file key
// is random and lies in the header, encrypted under a pass phrase (Argon2id) or to a
// public key (X25519, HPKE of RFC 9180).
//
// The content of the chunks is a sequence of records: a byte that says of what kind,
// then fields, each with its length (uvarint) before it. The first is the manifest,
// the last tells how many of each kind there are.
package backup
