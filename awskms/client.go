package awskms

import (
	"context"
	"errors"

	"github.com/dbkeyring/dbkeyring/secret"
)

// Client talks to AWS KMS. It is for many goroutines at once. Every error of its
// methods is an *[Error].
type Client struct{}

var errNotYet = errors.New("not yet written")

// New returns a client. It uses no network, but for the default chain's files it
// reads; what is wrong with those is an error.
func New(ctx context.Context, o Options) (*Client, error) { return nil, errNotYet }

// Close closes idle connections.
func (c *Client) Close() error { return nil }

// Region is the region of keys that are not given as ARNs.
func (c *Client) Region() string { return "" }

// Describe looks at a KMS key.
func (c *Client) Describe(ctx context.Context, keyID string) (Key, error) { return Key{}, errNotYet }

// Encrypt encrypts 1 to MaxEncrypt bytes under a KMS key.
func (c *Client) Encrypt(ctx context.Context, keyID string, plain *secret.Bytes, with Context) (Blob, error) {
	return Blob{}, errNotYet
}

// Decrypt decrypts a blob. The caller owns the result.
func (c *Client) Decrypt(ctx context.Context, b Blob, with Context) (*secret.Bytes, error) {
	return nil, errNotYet
}

// Generate has AWS KMS make 1 to MaxGenerate random bytes (GenerateDataKey) and
// returns them encrypted. The bytes themselves are wiped unseen.
func (c *Client) Generate(ctx context.Context, keyID string, size int, with Context) (Blob, error) {
	return Blob{}, errNotYet
}

// ReEncrypt encrypts a blob under another KMS key, or with another context, within AWS KMS.
func (c *Client) ReEncrypt(ctx context.Context, b Blob, from Context, keyID string, to Context) (Blob, error) {
	return Blob{}, errNotYet
}

// Rotate has AWS KMS make new material for the KMS key (RotateKeyOnDemand), and
// waits, while ctx lasts, until it is in use. What was encrypted before can still be
// decrypted. It is never sent twice: an answer that was lost is looked for in
// Rotations.
func (c *Client) Rotate(ctx context.Context, keyID string) error { return errNotYet }

// Rotations counts the rotations on demand that a KMS key has had, of the
// MaxOnDemandRotations that it can have.
func (c *Client) Rotations(ctx context.Context, keyID string) (onDemand int, err error) {
	return 0, errNotYet
}

// Operation is an operation of AWS KMS that Permitted can try.
type Operation string

// The operations that keyrings need.
const (
	OpEncrypt   Operation = "Encrypt"
	OpDecrypt   Operation = "Decrypt"
	OpGenerate  Operation = "GenerateDataKey"
	OpReEncrypt Operation = "ReEncrypt"
)

// Permitted says whether an operation with the KMS key would be allowed, by a dry run.
func (c *Client) Permitted(ctx context.Context, keyID string, op Operation) error { return errNotYet }

// Requests counts the requests that were sent since New, retries included, by operation.
func (c *Client) Requests() map[string]int64 { return nil }
