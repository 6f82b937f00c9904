// Package kmsdata is the keyring of MySQL's plugin keyring_aws (MySQL manual, "Using the
// keyring_aws Amazon Web Services Keyring Plugin"): AWS KMS makes the keys, and a file
// keeps them encrypted.
//
// Neither the file nor the memory holds a plain key: each Fetch has AWS KMS decrypt the
// key again. Each change is made to the file first, by replacing it as a whole, then to
// the memory. The file carries a checksum, an identity and a generation. Before it is
// replaced it is read once more: one that is damaged, or that is another keyring's or an
// older one, is never overwritten. A later generation of the same keyring, which
// another program of ours has written, is taken over.
//
// MySQL Enterprise's own data file is of another, unpublished form.
package kmsdata
