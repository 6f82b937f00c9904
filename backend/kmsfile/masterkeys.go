package kmsfile

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// checkKeys looks at the KMS keys, so that a wrong one shows before it is needed. A
// region that does not answer is passed over if another one does.
func (r *Keyring) checkKeys(ctx context.Context) error {
	keys := r.writers()
	arns, errs := make([]string, len(keys)), make([]error, len(keys))
	err := each(ctx, len(keys), func(ctx context.Context, i int) error {
		arns[i], errs[i] = r.checkKey(ctx, keys[i])
		return nil
	})
	if err != nil {
		return err
	}
	var silent []error
	for i, err := range errs {
		switch {
		case errors.Is(err, keyring.ErrUnreachable):
			silent = append(silent, err)
		case err != nil:
			return err
		default:
			r.arns[keys[i]] = arns[i]
		}
	}
	if len(silent) == len(keys) {
		return joined(silent)
	}
	for _, err := range silent {
		r.log.Warn("a KMS key cannot be looked at; no key can be stored without it", "cause", err)
	}
	return nil
}

// checkKey returns the ARN of a KMS key that can be used.
func (r *Keyring) checkKey(ctx context.Context, key string) (arn string, err error) {
	k, err := r.client.Describe(ctx, key)
	var kms *awskms.Error
	if errors.As(err, &kms) && kms.Code == "AccessDeniedException" {
		op := awskms.OpEncrypt
		if r.o.ReadOnly {
			op = awskms.OpDecrypt
		}
		// Who may use a key need not be allowed to look at it. The ARN is not known then.
		return key, r.inRegion(key, r.seen(r.client.Permitted(ctx, key, op)))
	}
	if r.seen(err) != nil {
		return "", r.inRegion(key, err)
	}
	if k.Usage != "ENCRYPT_DECRYPT" || k.Spec != "SYMMETRIC_DEFAULT" {
		return "", invalid("the KMS key %s is for something else (%s, %s): a keyring needs a symmetric one for encrypting and decrypting. Name another KMS key", k.ARN, k.Usage, k.Spec)
	}
	if k.State == "Enabled" {
		return k.ARN, nil
	}
	text := fmt.Sprintf("the KMS key %s is not in use (%s)", k.ARN, k.State)
	cure := "Enable it"
	if !k.Deletion.IsZero() {
		text += ", and will be deleted on " + k.Deletion.UTC().Format("2006-01-02 15:04 UTC")
		cure = "Cancel the deletion and enable it"
	}
	if !r.o.ReadOnly {
		return "", &kindError{keyring.ErrInactive, text + ". " + cure + ", or name another KMS key"}
	}
	r.log.Warn(text + ". " + cure)
	return k.ARN, nil
}
