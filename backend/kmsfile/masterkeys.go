package kmsfile

import (
	"cmp"
	"context"
	"errors"

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

// checkKey returns the ARN of a KMS key that can be used; its name, if that is not to be
// known.
func (r *Keyring) checkKey(ctx context.Context, key string) (arn string, err error) {
	op := awskms.OpEncrypt
	if r.o.ReadOnly {
		op = awskms.OpDecrypt
	}
	arn, err = r.client.Check(ctx, key, op)
	if r.o.ReadOnly && errors.Is(err, keyring.ErrInactive) { // the keys may be readable all the same
		r.log.Warn(err.Error())
		err = nil
	}
	return cmp.Or(arn, key), r.inRegion(key, r.seen(err))
}
