package kmip

import (
	"context"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// fetchThrough is Fetch with Options.NoCache: which object the key is in is known
// here, its content is asked for each time.
func (r *Keyring) fetchThrough(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	for attempt := 1; ; attempt++ {
		o := &object{}
		if err := r.with(ctx, "fetch", id, func(known *object) { o.uid, o.typ, o.state = known.uid, known.typ, known.state }); err != nil {
			return keyring.Key{}, err
		}
		if inactive(o.state) {
			if r.o.RefuseInactive {
				return keyring.Key{}, keyring.E("fetch", id, keyring.ErrInactive, inactiveError{o.uid, o.state})
			}
			r.warnInactive(id, o.uid, o.state)
		}
		err := r.getContent(ctx, o)
		switch {
		case err == nil:
			return keyring.Key{Type: o.typ, Data: o.data}, nil
		case attempt == 1 && (isGone(err) || kmip.ReasonOf(err) == kmip.ReasonIllegalOperation):
			// Destroyed behind our back, or this server lags behind another. Whether the
			// key is gone, a search by its Name will tell.
			r.doubt(id, o.uid)
		default:
			return keyring.Key{}, r.fault("fetch", id, err)
		}
	}
}

// doubt has the key looked for before its object is used again.
func (r *Keyring) doubt(id keyring.ID, uid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o, ok := r.keys[id]; ok && o.uid == uid {
		o.doubtful = true
	}
}
