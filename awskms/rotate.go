package awskms

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// Rotations counts the rotations on demand that a KMS key has had, of the
// MaxOnDemandRotations that it can have.
func (c *Client) Rotations(ctx context.Context, keyID string) (onDemand int, err error) {
	keyID, err = c.unaliased(ctx, keyID)
	if err != nil {
		return 0, err
	}
	return c.rotations(ctx, keyID)
}

func (c *Client) rotations(ctx context.Context, keyID string) (n int, err error) {
	var marker *string
	for {
		var out *kms.ListKeyRotationsOutput
		err := c.call(ctx, "ListKeyRotations", keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
			out, err = api.ListKeyRotations(ctx, &kms.ListKeyRotationsInput{KeyId: &keyID, Marker: marker})
			return err
		})
		if err != nil {
			return 0, err
		}
		for _, r := range out.Rotations {
			if r.RotationType == types.RotationTypeOnDemand {
				n++
			}
		}
		if !out.Truncated || aws.ToString(out.NextMarker) == "" || aws.ToString(out.NextMarker) == aws.ToString(marker) {
			return n, nil
		}
		marker = out.NextMarker
	}
}

// unaliased names by its ARN a key that is named by an alias.
func (c *Client) unaliased(ctx context.Context, keyID string) (string, error) {
	if !isAlias(keyID) {
		return keyID, nil
	}
	k, err := c.Describe(ctx, keyID)
	return k.ARN, err
}

// rotationTime is how long Rotate waits at most, if its context allows it.
const rotationTime = time.Minute

// Rotate has AWS KMS make new material for the KMS key (RotateKeyOnDemand), and
// waits, while ctx lasts, until it is in use. What was encrypted before can still be
// decrypted. It is never sent twice: an answer that was lost is looked for in
// Rotations.
func (c *Client) Rotate(ctx context.Context, keyID string) error {
	ctx, cancel := context.WithTimeout(ctx, rotationTime)
	defer cancel()
	arn, err := c.unaliased(ctx, keyID)
	if err != nil {
		return err
	}
	r := rotation{c: c, keyID: arn}
	if r.before, err = c.rotations(ctx, arn); err != nil {
		if !isDenied(err) {
			return err
		}
		r.blind = true
	}
	if err := r.send(ctx); err != nil {
		return err
	}
	return r.wait(ctx)
}

// rotation is one that is asked for.
type rotation struct {
	c      *Client
	keyID  string
	before int  // rotations before it
	blind  bool // it may not be watched
}

// send asks for the rotation. It is sent again only when it was refused for the moment.
func (r *rotation) send(ctx context.Context) error {
	do := func(ctx context.Context, api *kms.Client) error {
		_, err := api.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &r.keyID})
		return err
	}
	whole, cancel := context.WithTimeout(ctx, r.c.timeout)
	defer cancel()
	began := time.Now()
	for n := 0; ; n++ {
		x := newExchange()
		e := r.c.once(ctx, whole, began, "RotateKeyOnDemand", r.keyID, x, do)
		if e == nil {
			return nil
		}
		_, connected := x.where()
		switch refused := throttling[e.Code] || !connected || isSkew(e); {
		case !refused && e.Class == Transient:
			return r.look(ctx, e) // it may have come about
		case !refused || n+1 >= attempts || e.Class != Transient && !isSkew(e):
			return e
		}
		if !sleep(whole, jitter(pauseThrottled<<n)) {
			return e
		}
	}
}

// look finds out whether a rotation whose answer was lost is going on, or is over.
func (r *rotation) look(ctx context.Context, lost *Error) error {
	for n := 0; n < attempts && !r.blind; n++ {
		if going, over, err := r.state(ctx); err == nil && (going || over) {
			return nil
		}
		if !sleep(ctx, jitter(pauseThrottled<<n)) {
			break
		}
	}
	lost.Message += ". It is not known whether the KMS key will be rotated: look at its rotations before you ask again"
	return lost
}

// state says whether a rotation is going on, or one has been added to those before.
func (r *rotation) state(ctx context.Context) (going, over bool, err error) {
	var out *kms.GetKeyRotationStatusOutput
	err = r.c.call(ctx, "GetKeyRotationStatus", r.keyID, newExchange, func(ctx context.Context, api *kms.Client) (err error) {
		out, err = api.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &r.keyID})
		return err
	})
	if err != nil {
		return false, false, err
	}
	if out.OnDemandRotationStartDate != nil {
		return true, false, nil
	}
	n, err := r.c.rotations(ctx, r.keyID)
	return false, n > r.before, err
}

// wait returns when the new material is in use. Where that cannot be watched, AWS's
// word that it will be has to do.
func (r *rotation) wait(ctx context.Context) error {
	for n := 0; !r.blind; n++ {
		_, over, err := r.state(ctx)
		if over || err != nil && isDenied(err) {
			return nil
		}
		if !sleep(ctx, min(100*time.Millisecond<<min(n, 5), 2*time.Second)) {
			e := &Error{Op: "RotateKeyOnDemand", KeyID: r.keyID, Class: Transient, Err: context.DeadlineExceeded,
				Message: "the rotation was accepted, and is not over yet. Do not ask for it again"}
			if ctx.Err() != nil {
				e.Err = ctx.Err()
			}
			return cured(r.c.o, e)
		}
	}
	return nil
}

func isDenied(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == "AccessDeniedException"
}
