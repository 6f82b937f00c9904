package kmip

import (
	"context"
	"errors"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// Remove destroys the key's object, and its twins: the key must not come back
// from one of them.
func (r *Keyring) Remove(ctx context.Context, id keyring.ID) error {
	if checkID(id) != nil {
		return keyring.E("remove", id, keyring.ErrNotFound, nil)
	}
	if err := r.begin(ctx); err != nil {
		return r.fault("remove", id, err)
	}
	defer r.end()
	objects, err := r.find(ctx, id, false)
	if err != nil {
		return r.fault("remove", id, err)
	}
	if len(objects) == 0 {
		if r.cached(id) {
			r.log.Warn("a key that was in use is gone from the key server", "key", id)
			r.drop(id, nil)
		}
		return keyring.E("remove", id, keyring.ErrNotFound, nil)
	}
	ctx = r.connection().Stay(ctx) // the identifiers are that server's
	uids := map[string]bool{}
	for _, o := range slices.Backward(objects) { // the twins first: a failure leaves the key
		if err := r.destroy(ctx, o.uid, o.state); err != nil {
			return r.fault("remove", id, err)
		}
		uids[o.uid] = true
	}
	r.drop(id, uids)
	r.forgetPending(id)
	return nil
}

// removalMessage is what Percona's component gives as the reason.
const removalMessage = "Deleting the key"

// destroy takes an object out of use and destroys it. An object that is not there
// any more is a success.
func (r *Keyring) destroy(ctx context.Context, uid string, state kmip.State) error {
	c := r.connection()
	for attempt := 1; ; attempt++ {
		var err error
		if state == kmip.StateActive || state == 0 {
			// Only an Active object can be revoked so (KMIP 1.4, 3.22); where the server
			// does not tell the state, its answer does not count.
			_, err = c.Revoke(ctx, &kmip.RevokeRequest{UniqueIdentifier: uid,
				Reason: kmip.RevocationReason{Code: kmip.RevocationUnspecified, Message: removalMessage}})
		}
		if err == nil || state == 0 {
			_, err = c.Destroy(ctx, uid)
		}
		if err == nil || isGone(err) {
			return nil
		}
		// Whatever was answered or not, the state tells how far it got.
		now, look := r.stateOf(ctx, c, uid)
		if look != nil {
			return err
		}
		if now == kmip.StateDestroyed || now == kmip.StateDestroyedCompromised {
			return nil
		}
		if attempt > 1 || now == state && !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			return err
		}
		state = now
	}
}
