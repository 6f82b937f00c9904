package awskms_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// newClient returns a client of a server with one key.
func newClient(t *testing.T, change func(*awskms.Options)) (*kmstest.Server, *awskms.Client, string) {
	t.Helper()
	clean(t)
	s := kmstest.New(t)
	o := s.Options()
	if change != nil {
		change(&o)
	}
	c, err := awskms.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s, c, s.NewKey(kmstest.Region)
}

// clean keeps this machine's AWS settings out of a test.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
}

func TestRoundTrip(t *testing.T) {
	s, c, key := newClient(t, nil)
	other := s.NewKey(kmstest.Region)
	s.SetAlias("alias/db", key)
	far := s.NewKey("us-west-2")
	with := awskms.Context{"id": "k1 <&> \u2028", "owner": "o"}
	for _, size := range []int{1, 2, 3, 16, 31, 32, 1000, awskms.MaxEncrypt} {
		plain := secret.Random(size)
		for _, name := range []string{key, "alias/db", far, key[strings.LastIndex(key, "/")+1:]} {
			b, err := c.Encrypt(t.Context(), name, plain, with)
			if err != nil {
				t.Fatal(err)
			}
			if b.KeyARN != key && b.KeyARN != far {
				t.Errorf("the blob is under %s", b.KeyARN)
			}
			got, err := c.Decrypt(t.Context(), b, with)
			if err != nil || !got.Equal(plain) {
				t.Fatalf("%d bytes under %s: %v", size, name, err)
			}
			if _, err := c.Decrypt(t.Context(), b, awskms.Context{"id": "k1"}); !errors.Is(err, keyring.ErrCorrupt) {
				t.Errorf("another context: %v", err)
			}
		}
	}

	b, err := c.Generate(t.Context(), key, 24, with)
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Decrypt(t.Context(), awskms.Blob{Data: b.Data}, with)
	if err != nil || first.Len() != 24 {
		t.Fatalf("%v, %v", first, err)
	}
	moved, err := c.ReEncrypt(t.Context(), b, with, other, nil)
	if err != nil || moved.KeyARN != other || bytes.Equal(moved.Data, b.Data) {
		t.Fatalf("%v, %v", moved, err)
	}
	if got, err := c.Decrypt(t.Context(), moved, nil); err != nil || !got.Equal(first) {
		t.Fatal(err)
	}

	away, err := c.ReEncrypt(t.Context(), moved, nil, far, with) // AWS KMS itself cannot, across regions
	if err != nil || away.KeyARN != far {
		t.Fatalf("%v, %v", away, err)
	}
	if got, err := c.Decrypt(t.Context(), away, with); err != nil || !got.Equal(first) {
		t.Fatal(err)
	}

	k, err := c.Describe(t.Context(), "alias/db")
	if err != nil || k.ARN != key || k.State != "Enabled" || k.Usage != "ENCRYPT_DECRYPT" || k.Spec != "SYMMETRIC_DEFAULT" || k.Manager != "CUSTOMER" {
		t.Errorf("%+v, %v", k, err)
	}
	for _, op := range []awskms.Operation{awskms.OpEncrypt, awskms.OpDecrypt, awskms.OpGenerate, awskms.OpReEncrypt} {
		if err := c.Permitted(t.Context(), key, op); err != nil {
			t.Error(err)
		}
	}
	for i := range 13 { // more than one page
		if n, err := c.Rotations(t.Context(), "alias/db"); err != nil || n != i {
			t.Fatalf("%d rotations, %v", n, err)
		}
		if err := c.Rotate(t.Context(), "alias/db"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := c.Decrypt(t.Context(), b, with); err != nil || !got.Equal(first) {
		t.Errorf("after rotations: %v", err)
	}
	for op, n := range c.Requests() {
		if s.Requests()[op] != int(n) {
			t.Errorf("%s: %d requests counted, %d seen", op, n, s.Requests()[op])
		}
	}
	if _, err := c.Describe(context.Background(), "alias/none"); err == nil || err.Error() !=
		"AWS KMS DescribeKey alias/none: Alias arn:aws:kms:eu-central-1:111122223333:alias/none is not found (NotFoundException)" {
		t.Error(err)
	}
}

// A blob says which key it is under; naming another is noticed.
func TestDecrypt_OtherKey(t *testing.T) {
	s, c, key := newClient(t, nil)
	other := s.NewKey(kmstest.Region)
	b, err := c.Generate(t.Context(), key, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.KeyARN = other
	if _, err := c.Decrypt(t.Context(), b, nil); !errors.Is(err, keyring.ErrCorrupt) || !strings.Contains(err.Error(), "IncorrectKeyException") {
		t.Error(err)
	}
	b.KeyARN = key
	for i := range b.Data {
		damaged := awskms.Blob{KeyARN: key, Data: bytes.Clone(b.Data)}
		damaged.Data[i] ^= 1
		if got, err := c.Decrypt(t.Context(), damaged, nil); got != nil || !errors.Is(err, keyring.ErrCorrupt) {
			t.Errorf("byte %d damaged: %v", i, err)
		}
	}
}

// A multi-Region key decrypts in each of its regions what any of them has encrypted.
func TestDecrypt_MultiRegion(t *testing.T) {
	s, c, _ := newClient(t, nil)
	arns := s.Replicate("us-east-1", "us-west-2")
	plain := secret.Random(32)
	b, err := c.Encrypt(t.Context(), arns[0], plain, nil)
	if err != nil || b.KeyARN != arns[0] {
		t.Fatal(b.KeyARN, err)
	}
	b.KeyARN = arns[1]
	if got, err := c.Decrypt(t.Context(), b, nil); err != nil || !got.Equal(plain) {
		t.Error(err)
	}
	if k, err := c.Describe(t.Context(), arns[1]); err != nil || !k.MultiRegion {
		t.Errorf("%+v, %v", k, err)
	}
}

// What AWS KMS can never do is not even asked.
func TestUsage(t *testing.T) {
	s, c, key := newClient(t, nil)
	for name, call := range map[string]func() error{
		"nothing to encrypt":   func() error { _, err := c.Encrypt(t.Context(), key, secret.New(0), nil); return err },
		"nil to encrypt":       func() error { _, err := c.Encrypt(t.Context(), key, nil, nil); return err },
		"too much to encrypt":  func() error { _, err := c.Encrypt(t.Context(), key, secret.New(awskms.MaxEncrypt+1), nil); return err },
		"nothing to make":      func() error { _, err := c.Generate(t.Context(), key, 0, nil); return err },
		"too much to make":     func() error { _, err := c.Generate(t.Context(), key, awskms.MaxGenerate+1, nil); return err },
		"an unknown operation": func() error { return c.Permitted(t.Context(), key, "Sign") },
	} {
		if err := call(); !errors.Is(err, keyring.ErrInvalid) && name != "an unknown operation" || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, call := range map[string]func() error{
		"nothing to decrypt":    func() error { _, err := c.Decrypt(t.Context(), awskms.Blob{KeyARN: key}, nil); return err },
		"nothing to re-encrypt": func() error { _, err := c.ReEncrypt(t.Context(), awskms.Blob{}, nil, key, nil); return err },
	} {
		if err := call(); !errors.Is(err, keyring.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := s.Requests(); len(n) > 0 {
		t.Errorf("%v", n)
	}
}

func BenchmarkDecrypt(b *testing.B) {
	s := kmstest.New(b)
	c, err := awskms.New(b.Context(), s.Options())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	blob, err := c.Generate(b.Context(), s.NewKey(kmstest.Region), 32, nil)
	if err != nil {
		b.Fatal(err)
	}
	decrypt := func() {
		got, err := c.Decrypt(b.Context(), blob, nil)
		if err != nil {
			b.Error(err)
		}
		got.Wipe()
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			decrypt()
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				decrypt()
			}
		})
	})
}
