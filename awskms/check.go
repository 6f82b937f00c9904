package awskms

import (
	"context"
	"errors"
)

// Check says whether a keyring can use a KMS key for the operation, and returns its
// ARN: a symmetric one for encrypting and decrypting, that is enabled. Who may use a
// key need not be allowed to look at it: then a dry run of the operation decides, and
// the ARN is "".
func (c *Client) Check(ctx context.Context, keyID string, op Operation) (arn string, err error) {
	k, err := c.Describe(ctx, keyID)
	if isDenied(err) {
		return "", c.Permitted(ctx, keyID, op)
	}
	if err != nil {
		return "", err
	}
	fail := func(class Class, text, cure string) error {
		return cured(c.o, &Error{Op: "DescribeKey", KeyID: k.ARN, Class: class, Message: text, Cure: cure, Err: errUnfit})
	}
	fits := func(what, want string) bool { return what == "" || what == want } // what is not told is not held against it
	if !fits(k.Usage, "ENCRYPT_DECRYPT") || !fits(k.Spec, "SYMMETRIC_DEFAULT") {
		return "", fail(Usage, "the KMS key is for something else ("+k.Usage+", "+k.Spec+"): a keyring needs a symmetric one for encrypting and decrypting", "Name another KMS key.")
	}
	switch {
	case k.State == "Enabled":
		return k.ARN, nil
	case !k.Deletion.IsZero():
		return k.ARN, fail(State, "the KMS key is not in use ("+k.State+"), and will be deleted on "+k.Deletion.UTC().Format("2006-01-02 15:04 UTC"),
			"Cancel the deletion and enable it, or name another KMS key.")
	}
	return k.ARN, fail(State, "the KMS key is not in use ("+k.State+")", "Enable it, or name another KMS key.")
}

var errUnfit = errors.New("the KMS key does not fit")
