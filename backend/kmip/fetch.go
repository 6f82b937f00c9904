package kmip

import (
	"context"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// Fetch returns the key from memory, or asks the server for it. A key in memory
// is served even if its object was destroyed meanwhile, until the next Reload.
func (r *Keyring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	if r.o.NoCache {
		return r.fetchThrough(ctx, id)
	}
	var k keyring.Key
	var state kmip.State
	var uid string
	err := r.with(ctx, "fetch", id, func(o *object) {
		uid, state = o.uid, o.state
		if !r.o.RefuseInactive || !inactive(state) {
			k = keyring.Key{Type: o.typ, Data: o.data.Clone()}
		}
	})
	if err != nil || !inactive(state) {
		return k, err
	}
	if r.o.RefuseInactive {
		return k, keyring.E("fetch", id, keyring.ErrInactive, inactiveError{uid, state})
	}
	r.warnInactive(id, uid, state)
	return k, nil
}

// with calls use on the key's object, while nobody else changes it.
func (r *Keyring) with(ctx context.Context, op string, id keyring.ID, use func(*object)) error {
	r.mu.RLock()
	o, cached := r.keys[id]
	doubtful := cached && o.doubtful
	if cached && !doubtful {
		use(o)
	}
	closed, changes := r.closed, r.changes
	r.mu.RUnlock()
	switch {
	case closed:
		return r.fault(op, id, errClosed)
	case cached && !doubtful:
		return nil
	case checkID(id) != nil:
		return keyring.E(op, id, keyring.ErrNotFound, nil) // no object can have such a Name
	}
	objects, err := r.find(ctx, id, !r.o.NoCache)
	if err != nil {
		if err = r.fault(op, id, err); doubtful && r.withDoubtful(id, use) {
			r.log.Warn("a key is used that the key server in use did not have; whether another has it cannot be told", "key", id, "cause", err)
			return nil
		}
		return err
	}
	if len(objects) == 0 {
		if doubtful {
			r.drop(id, nil)
		}
		return keyring.E(op, id, keyring.ErrNotFound, nil)
	}
	if len(objects) > 1 {
		r.log.Warn("several objects on the key server have the Name of a key; the oldest is the key", "key", id, "object", objects[0].uid)
		wipe(objects[1:])
	}
	o = objects[0]
	use(o)
	// Whoever gets a key makes it a real one, even if its Store reported a failure.
	r.forgetPending(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	old, there := r.keys[id]
	if there && !old.doubtful || r.closed || r.changes != changes {
		o.data.Wipe() // it may be older than what has happened since
		return nil
	}
	if there {
		old.data.Wipe()
	}
	r.keys[id] = o
	return nil
}

// withDoubtful calls use on the key in memory, if it is still there.
func (r *Keyring) withDoubtful(id keyring.ID, use func(*object)) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	o, ok := r.keys[id]
	if ok {
		use(o)
	}
	return ok
}

// put makes o the key in memory.
func (r *Keyring) put(id keyring.ID, o *object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.keys[id]; ok {
		old.data.Wipe()
	}
	if r.closed || r.o.NoCache {
		o.data.Wipe()
		o.data = nil
	}
	if r.closed {
		return
	}
	r.keys[id] = o
}

// drop forgets the key and everything else of the objects.
func (r *Keyring) drop(id keyring.ID, uids map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes++
	for i, o := range r.keys {
		if i == id || uids[o.uid] {
			o.data.Wipe()
			delete(r.keys, i)
		}
	}
}

func (r *Keyring) warnInactive(id keyring.ID, uid string, state kmip.State) {
	r.mu.Lock()
	known := r.warned[uid]
	r.warned[uid] = true
	r.mu.Unlock()
	if !known {
		r.log.Warn("a key is used that was taken out of use on the key server; rotate it", "key", id, "object", uid, "state", state.String())
	}
}

// NativeID returns the Unique Identifier of the key's object.
func (r *Keyring) NativeID(ctx context.Context, id keyring.ID) (uid string, err error) {
	err = r.with(ctx, "native id", id, func(o *object) { uid = o.uid })
	return uid, err
}

// KeyState asks the server for the state of the key's object. An object that is
// gone while its key is still in memory is "Destroyed".
func (r *Keyring) KeyState(ctx context.Context, id keyring.ID) (string, error) {
	uid, err := r.NativeID(ctx, id)
	if err != nil {
		return "", err
	}
	state, err := r.stateOf(ctx, r.connection(), uid)
	if err != nil {
		return "", r.fault("state of", id, err)
	}
	if state == kmip.StateDestroyed && len(r.o.Servers) > 1 { // or that server lags behind another one
		objects, err := r.find(ctx, id, false)
		if err != nil {
			return "", r.fault("state of", id, err)
		}
		for _, o := range objects {
			if o.uid == uid {
				state = o.state
			}
		}
	}
	if state == kmip.StateDestroyed {
		r.log.Warn("the object of a key that is in use is gone from the key server", "key", id, "object", uid)
		return state.String(), nil
	}
	r.mu.Lock()
	if o, ok := r.keys[id]; ok && o.uid == uid {
		o.state = state
	}
	r.mu.Unlock()
	return state.String(), nil
}
