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
