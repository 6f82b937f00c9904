// Package kmsfile keeps keys in the JSON data file of Percona Server's
// component_keyring_kms, each encrypted by AWS KMS: we generate, AWS KMS encrypts.
//
// All keys are decrypted when the keyring is opened, and kept in memory: a read never
// asks AWS KMS. A write asks AWS KMS first, replaces the file as a whole, and changes
// the memory last, so that both agree whatever fails.
//
// Two formats ([Format]) can be written. That of Percona's component has no checksum,
// so a file beside it has one: PATH.sha256, as sha256sum writes it. A file that is not
// what was written is refused and never overwritten, and so is, while the keyring is
// open, one that lacks keys which the keyring holds.
package kmsfile
