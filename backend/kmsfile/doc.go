// Package kmsfile keeps keys in the JSON data file of Percona Server's
// component_keyring_kms, each encrypted by AWS KMS: we generate, AWS KMS encrypts.
package kmsfile
