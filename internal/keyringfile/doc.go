// Package keyringfile is the JSON data file that several of MySQL's keyring components
// share: its text, the backup that counts while it is there, and how it is replaced.
// What an element keeps of its key is a [Format]'s: the bytes themselves in
// component_keyring_file, what AWS KMS made of them in component_keyring_kms.
package keyringfile
