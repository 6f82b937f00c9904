package kmip

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// leftAfter is how old a half-made object must be to be removed: by then nobody
// can be at work on it any more.
const leftAfter = 10 * time.Minute

// leftover is an object that an interrupted operation of ours has left.
type leftover struct {
	uid     string
	initial time.Time // by the server's clock; zero where that is not known
}

// okv is what ProfileOKV knows of a server.
type okv struct {
	abilities abilities
	left      []leftover
}

// abilities are what servers differ in.
type abilities struct {
	addAttribute bool
	rngRetrieve  bool // operation of KMIP 1.2
}

// errNotLeft: an object is a key, or not ours.
var errNotLeft = errors.New("the object is not one that an interrupted operation has left")

// learn asks the server what it can.
func (r *Keyring) learn(ctx context.Context, c *kmipclient.Client, l *loaded) error {
	if r.o.Profile != ProfileOKV {
		return nil
	}
	res, err := c.Query(ctx, kmip.QueryOperations)
	var refusal *kmip.Error
	switch {
	case errors.As(err, &refusal):
		l.abilities = abilities{addAttribute: true} // its answer to that will tell
	case err != nil:
		return err
	default:
		l.abilities = abilities{
			addAttribute: slices.Contains(res.Operations, kmip.OpAddAttribute),
			rngRetrieve:  slices.Contains(res.Operations, kmip.OpRNGRetrieve) && c.Status().Version.AtLeast(kmip.V1_2),
		}
	}
	return nil
}

func (r *Keyring) can() abilities {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.abilities
}

// serverClock is the time by the clock of the server in use, zero if it does not
// tell it.
func (r *Keyring) serverClock() time.Time { return r.connection().Status().Clock }

// readKeys reads the objects that are keys. With ProfileOKV the content of other
// people's objects is not even asked for.
func (r *Keyring) readKeys(ctx context.Context, c *kmipclient.Client, l *loaded, uids []string) (objects []*object, unreadable []error, err error) {
	if r.o.Profile != ProfileOKV {
		return r.readAll(ctx, c, uids, !r.o.NoCache)
	}
	objects, unreadable, err = r.readAll(ctx, c, uids, false)
	if err != nil {
		return nil, nil, err
	}
	keys, others := r.split(objects)
	for _, o := range others {
		if o.isLeft() {
			l.left = append(l.left, leftover{o.uid, o.initial})
		}
	}
	if r.o.NoCache {
		return keys, unreadable, nil
	}
	uids = make([]string, 0, len(keys))
	for _, o := range keys {
		uids = append(uids, o.uid)
	}
	objects, more, err := r.readAll(ctx, c, uids, true)
	return objects, append(unreadable, more...), err
}

func (r *Keyring) addLeft(l leftover) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = append(r.left, l)
}

// sweep removes what interrupted operations have left, as far as it is old enough
// by the server's own clock. A failure leaves it for the next time.
func (r *Keyring) sweep(ctx context.Context) {
	now := r.serverClock()
	r.mu.Lock()
	var due, rest []leftover
	for _, l := range r.left {
		if !now.IsZero() && !l.initial.IsZero() && now.Sub(l.initial) > leftAfter {
			due = append(due, l)
		} else {
			rest = append(rest, l)
		}
	}
	r.left = rest
	r.mu.Unlock()
	ctx = r.connection().Stay(ctx)
	for i, l := range due {
		switch err := r.discard(ctx, l.uid); {
		case errors.Is(err, errNotLeft): // somebody went on with it
		case err != nil:
			r.log.Warn("what an interrupted operation has left on the key server cannot be removed now", "objects", len(due)-i, "object", l.uid, "cause", err)
			r.mu.Lock()
			r.left = append(r.left, due[i:]...)
			r.mu.Unlock()
			return
		default:
			r.log.Info("removed what an interrupted operation has left on the key server", "object", l.uid, "made", l.initial.UTC())
		}
	}
}

// discard destroys an object that is no key yet. It never revokes: a server
// refuses to destroy an object that somebody has activated meanwhile (KMIP 1.4,
// 4.21).
func (r *Keyring) discard(ctx context.Context, uid string) error {
	for attempt := 1; ; attempt++ {
		o, err := r.look(ctx, uid)
		switch {
		case err != nil:
			return err
		case o == nil:
			return nil
		case !o.isLeft():
			return errNotLeft
		}
		_, err = r.connection().Destroy(ctx, uid)
		if err == nil || isGone(err) {
			return nil
		}
		if attempt > 1 || !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			return err
		}
	}
}
