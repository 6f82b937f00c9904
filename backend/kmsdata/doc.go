// Package kmsdata is the keyring of MySQL's plugin keyring_aws: AWS KMS makes the
// keys, and a checksummed file keeps them encrypted.
package kmsdata
