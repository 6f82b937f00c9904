package bridge

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Rotation is what Rotate renews.
type Rotation int

// The rotations; dbkeyring.h has the same list.
const (
	RotateMasterKey Rotation = 1 // the key of the keys' keeper, under which they are encrypted
	RotateKeys      Rotation = 2 // the encryption of every key, under the present master key
)

// rotateTimeout bounds a rotation. Each key is one request to the keys' keeper, and an
// interrupted rotation goes on where it was.
const rotateTimeout = 30 * time.Minute

// Rotate renews what protects the keys, which stay what they are. Where it fails, reason
// says why; what it reports is in the host's log. Unsupported: this keyring has nothing
// of the kind.
func (b *Bridge) Rotate(h Handle, what Rotation) (reason string, code Code) {
	in := b.instance(h)
	if in == nil {
		return errNotLoaded.Error(), Invalid
	}
	defer in.flush()
	op, rotate := "rotate the keys", in.rotateKeys
	switch what {
	case RotateKeys:
	case RotateMasterKey:
		op, rotate = "rotate the master key", in.rotateMasterKey
	default:
		return "there is no such rotation", Invalid
	}
	code, err := in.within(rotateTimeout, op, keyring.ID{}, rotate)
	if err != nil {
		return causeOf(err), code
	}
	return "", OK
}

func (in *instance) rotateMasterKey(ctx context.Context, k keyring.Keyring) error {
	r, ok := k.(keyring.MasterKeyRotator)
	if !ok {
		return errUnsupported
	}
	report, err := r.RotateMasterKey(ctx)
	if err == nil {
		in.log.Warn("The master key was rotated: " + report)
	}
	return err
}

func (in *instance) rotateKeys(ctx context.Context, k keyring.Keyring) error {
	r, ok := k.(keyring.Rewrapper)
	if !ok {
		return errUnsupported
	}
	var keys atomic.Int64
	if err := r.Rewrap(ctx, func(_, total int) { keys.Store(int64(total)) }); err != nil {
		return err
	}
	in.log.Info("Every key was encrypted anew.", "keys", keys.Load())
	return nil
}
