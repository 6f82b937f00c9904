// Package keyfile is the provider of a master key in a file, the key file of
// security.encryptionKeyFile: the base64 text of 32 bytes.
package keyfile

// Options say which file.
type Options struct {
	Path string // absolute
	// RelaxedPermissions takes a file of root's that its group may read (0440, 0640);
	// else only the owner may (0400, 0600).
	RelaxedPermissions bool
}
