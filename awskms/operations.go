package awskms

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/dbkeyring/dbkeyring/secret"
)

func newExchange() *exchange { return &exchange{} }

// Describe looks at a KMS key.
func (c *Client) Describe(ctx context.Context, keyID string) (Key, error) {
	var out *kms.DescribeKeyOutput
	err := c.call(ctx, "DescribeKey", keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		out, err = api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &keyID})
		return err
	})
	if err != nil {
		return Key{}, err
	}
	m := out.KeyMetadata
	if m == nil {
		return Key{}, c.senseless("DescribeKey", keyID)
	}
	k := Key{
		ARN: aws.ToString(m.Arn), State: string(m.KeyState), Usage: string(m.KeyUsage), Spec: string(m.KeySpec), Origin: string(m.Origin),
		Manager: string(m.KeyManager), MultiRegion: aws.ToBool(m.MultiRegion), Deletion: aws.ToTime(m.DeletionDate),
	}
	if k.ARN == "" {
		return Key{}, c.senseless("DescribeKey", keyID)
	}
	return k, nil
}

// Encrypt encrypts 1 to MaxEncrypt bytes under a KMS key.
func (c *Client) Encrypt(ctx context.Context, keyID string, plain *secret.Bytes, with Context) (Blob, error) {
	if n := plain.Len(); n < 1 || n > MaxEncrypt {
		return Blob{}, c.unusable("Encrypt", keyID, fmt.Sprintf("it encrypts 1 to %d bytes, and not %d", MaxEncrypt, n))
	}
	var out *kms.EncryptOutput
	err := c.call(ctx, "Encrypt", keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		out, err = api.Encrypt(ctx, &kms.EncryptInput{KeyId: &keyID, Plaintext: plain.Reveal(), EncryptionContext: with})
		return err
	})
	if err != nil {
		return Blob{}, err
	}
	return c.blob("Encrypt", keyID, out.KeyId, out.CiphertextBlob)
}

// Decrypt decrypts a blob. The caller owns the result.
func (c *Client) Decrypt(ctx context.Context, b Blob, with Context) (*secret.Bytes, error) {
	if err := c.checkBlob("Decrypt", b); err != nil {
		return nil, err
	}
	got := &plaintext{}
	secretly := func() *exchange { return &exchange{got: got} }
	err := c.call(ctx, "Decrypt", b.KeyARN, secretly, func(ctx context.Context, api *kms.Client) error {
		_, err := api.Decrypt(ctx, &kms.DecryptInput{KeyId: named(b.KeyARN), CiphertextBlob: b.Data, EncryptionContext: with})
		return err
	})
	if err == nil && got.bytes.Len() == 0 {
		err = c.senseless("Decrypt", b.KeyARN)
	}
	if err != nil {
		got.bytes.Wipe()
		return nil, err
	}
	return got.bytes, nil
}

// Generate has AWS KMS make 1 to MaxGenerate random bytes (GenerateDataKey) and
// returns them encrypted. The bytes themselves are wiped unseen.
func (c *Client) Generate(ctx context.Context, keyID string, size int, with Context) (Blob, error) {
	if size < 1 || size > MaxGenerate {
		return Blob{}, c.unusable("GenerateDataKey", keyID, fmt.Sprintf("it makes 1 to %d bytes, and not %d", MaxGenerate, size))
	}
	var out *kms.GenerateDataKeyOutput
	err := c.call(ctx, "GenerateDataKey", keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		out, err = api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &keyID, NumberOfBytes: aws.Int32(int32(size)), EncryptionContext: with})
		return err
	})
	if err != nil {
		return Blob{}, err
	}
	return c.blob("GenerateDataKey", keyID, out.KeyId, out.CiphertextBlob)
}

// ReEncrypt encrypts a blob under another KMS key, or with another context, within AWS KMS.
// It is asked for in the region of the new key. AWS KMS cannot do it for a blob of another
// region: that one is decrypted there and encrypted here, and what it holds is wiped.
func (c *Client) ReEncrypt(ctx context.Context, b Blob, from Context, keyID string, to Context) (Blob, error) {
	if err := c.checkBlob("ReEncrypt", b); err != nil {
		return Blob{}, err
	}
	if b.KeyARN != "" && c.regionFor(b.KeyARN) != c.regionFor(keyID) {
		plain, err := c.Decrypt(ctx, b, from)
		if err != nil {
			return Blob{}, err
		}
		defer plain.Wipe()
		return c.Encrypt(ctx, keyID, plain, to)
	}
	var out *kms.ReEncryptOutput
	err := c.call(ctx, "ReEncrypt", keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		out, err = api.ReEncrypt(ctx, &kms.ReEncryptInput{
			CiphertextBlob: b.Data, SourceKeyId: named(b.KeyARN), SourceEncryptionContext: from,
			DestinationKeyId: &keyID, DestinationEncryptionContext: to,
		})
		return err
	})
	if err != nil {
		return Blob{}, err
	}
	return c.blob("ReEncrypt", keyID, out.KeyId, out.CiphertextBlob)
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
func (c *Client) Permitted(ctx context.Context, keyID string, op Operation) error {
	dry, noBlob := aws.Bool(true), []types.DryRunModifierType{types.DryRunModifierTypeIgnoreCiphertext}
	err := c.call(ctx, string(op), keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		switch op {
		case OpEncrypt:
			_, err = api.Encrypt(ctx, &kms.EncryptInput{KeyId: &keyID, Plaintext: []byte{0}, DryRun: dry})
		case OpDecrypt:
			_, err = api.Decrypt(ctx, &kms.DecryptInput{KeyId: &keyID, DryRun: dry, DryRunModifiers: noBlob})
		case OpGenerate:
			_, err = api.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &keyID, NumberOfBytes: aws.Int32(1), DryRun: dry})
		case OpReEncrypt:
			_, err = api.ReEncrypt(ctx, &kms.ReEncryptInput{SourceKeyId: &keyID, DestinationKeyId: &keyID, DryRun: dry, DryRunModifiers: noBlob})
		default:
			err = fmt.Errorf("there is no dry run of %q", op)
		}
		return err
	})
	// AWS KMS says yes with an exception. A stand-in that knows no dry run has let the
	// request pass when it looks for the blob.
	if e := (*Error)(nil); errors.As(err, &e) && (e.Code == "DryRunOperationException" || e.Class == Corruption) {
		return nil
	}
	return err
}

// named is nil for a key that is not named.
func named(keyID string) *string {
	if keyID == "" {
		return nil
	}
	return &keyID
}

func (c *Client) checkBlob(op string, b Blob) error {
	if len(b.Data) == 0 {
		return cured(c.o, &Error{Op: op, KeyID: b.KeyARN, Class: Corruption, Message: "the encrypted key is empty", Err: errors.New("an empty blob")})
	}
	return nil
}

// blob is what an answer has encrypted.
func (c *Client) blob(op, keyID string, arn *string, data []byte) (Blob, error) {
	if aws.ToString(arn) == "" || len(data) == 0 {
		return Blob{}, c.senseless(op, keyID)
	}
	return Blob{KeyARN: *arn, Data: data}, nil
}

// senseless is the error of an answer that lacks what it is for: no AWS KMS gives it.
func (c *Client) senseless(op, keyID string) error {
	return cured(c.o, &Error{Op: op, KeyID: keyID, Class: Transient, Message: "the answer is not one of AWS KMS", Err: errors.New("a part of the answer is missing")})
}

func (c *Client) unusable(op, keyID, why string) error {
	return cured(c.o, &Error{Op: op, KeyID: keyID, Class: Usage, Message: why, Err: errors.New(why)})
}
