package kmip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Store registers the key on the server and activates it.
func (r *Keyring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	if r.o.Profile == ProfileOKV {
		return r.addOKV(ctx, "store", id, k.Type, k.Data.Len(), k.Data)
	}
	return r.add(ctx, "store", id, k.Type, k.Data.Len(), k.Data.Clone)
}

// Generate makes a random key here and stores it, as Percona's component does: a
// key that the server makes could only be an AES key of certain lengths. With
// ProfileOKV every key is the server's.
func (r *Keyring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	if r.o.Profile == ProfileOKV {
		return r.addOKV(ctx, "generate", id, typ, size, nil)
	}
	return r.add(ctx, "generate", id, typ, size, func() *secret.Bytes { return secret.Random(size) })
}

// checkID says why no object can have the Name of the key.
func checkID(id keyring.ID) error {
	switch n := len(nameOf(id)); {
	case id.Name == "":
		return errors.New("the key has no name")
	case strings.Contains(id.Name+id.Owner, "\x00"):
		return errors.New("the key's name or owner contains a NUL")
	case n > maxName:
		return fmt.Errorf("the key's name has %d bytes and its owner %d, which makes a KMIP Name of %d; it may have %d", len(id.Name), len(id.Owner), n, maxName)
	}
	return nil
}

func check(id keyring.ID, typ string, size int) error {
	errs := []error{checkID(id)}
	if _, ok := typeByName(typ); !ok {
		errs = append(errs, fmt.Errorf("the key type is %q; a KMIP server keeps AES and SECRET", typ))
	}
	if size < 1 || size > keyring.MaxKeySize {
		errs = append(errs, fmt.Errorf("the key has %d bytes; it may have 1 to %d", size, keyring.MaxKeySize))
	}
	return errors.Join(errs...)
}

// Check says why Store would refuse such a key, whatever there is on the server.
func (r *Keyring) Check(id keyring.ID, typ string, size int) error {
	check := check
	if r.o.Profile == ProfileOKV {
		check = checkOKV
	}
	if err := check(id, typ, size); err != nil {
		return keyring.E("store", id, keyring.ErrInvalid, err)
	}
	return nil
}

// add puts a key there whose ID is free.
func (r *Keyring) add(ctx context.Context, op string, id keyring.ID, typ string, size int, data func() *secret.Bytes) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E(op, id, keyring.ErrInvalid, err)
	}
	if err := r.begin(ctx); err != nil {
		return r.fault(op, id, err)
	}
	defer r.end()
	if r.cached(id) {
		return keyring.E(op, id, keyring.ErrExists, nil)
	}
	if taken, err := r.taken(ctx, id); err != nil {
		return r.fault(op, id, err)
	} else if taken {
		return keyring.E(op, id, keyring.ErrExists, nil)
	}
	// What follows belongs to one object, so to one server.
	ctx = r.connection().Stay(ctx)
	content := data()
	o, err := r.register(ctx, id, typ, content)
	if err != nil {
		content.Wipe()
		return r.fault(op, id, err)
	}
	if err := r.activate(ctx, o.uid); err != nil {
		r.undo(ctx, id, o)
		return r.fault(op, id, err)
	}
	r.put(id, o)
	return nil
}

func (r *Keyring) cached(id keyring.ID) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.keys[id]
	return ok
}

// taken looks on the server whether the ID is in use, and first removes what an
// earlier attempt of ours left there half-made.
func (r *Keyring) taken(ctx context.Context, id keyring.ID) (bool, error) {
	r.mu.RLock()
	left := r.pending[id].Clone()
	r.mu.RUnlock()
	defer left.Wipe()
	objects, err := r.find(ctx, id, left.Len() > 0)
	if err != nil {
		return false, err
	}
	defer wipe(objects)
	ctx = r.connection().Stay(ctx) // the identifiers are that server's
	taken := 0
	for _, o := range objects {
		if left.Len() == 0 || !o.data.Equal(left) {
			taken++
		} else if err := r.destroy(ctx, o.uid, o.state); err != nil {
			return false, err
		}
	}
	r.forgetPending(id)
	return taken > 0, nil
}

// register makes the object, and never two of them: where the outcome is not
// known it looks before it tries again. The object owns data.
func (r *Keyring) register(ctx context.Context, id keyring.ID, typ string, data *secret.Bytes) (*object, error) {
	t, _ := typeByName(typ)
	withData, format := true, kmip.KeyFormatOpaque
	for attempt := 1; ; attempt++ {
		res, err := r.connection().Register(ctx, registration(id, typ, data, r.o.ObjectGroup, withData, format))
		if err == nil {
			if !withData {
				typ = t.name // there was no room for the user's spelling
			}
			return &object{uid: res.UniqueIdentifier, ids: []keyring.ID{id}, typ: typ, data: data, state: kmip.StateActive, initial: time.Now()}, nil
		}
		var refusal *kmip.Error
		switch {
		case errors.Is(err, kmipclient.ErrOutcomeUnknown):
			r.setPending(id, data)
			objects, look := r.find(ctx, id, true)
			if look != nil {
				return nil, err
			}
			r.forgetPending(id)
			for i, o := range objects {
				if o.data.Equal(data) {
					wipe(append(objects[:i:i], objects[i+1:]...))
					data.Wipe()
					return o, nil
				}
			}
			wipe(objects)
			if attempt > 1 || len(objects) > 0 {
				return nil, err
			}
			r.log.Warn("the answer of the key server was lost and the key is not there; storing it again", "key", id)
		case !errors.As(err, &refusal):
			return nil, err
		case refusal.Reason == kmip.ReasonApplicationNamespaceNotSupported && withData:
			withData = false
		case t == secretData && format == kmip.KeyFormatOpaque && refusesFormat(refusal.Reason):
			format = kmip.KeyFormatRaw // a server that is strict with Secret Data takes only this
		default:
			// A server with unique Names says so in many ways. Another client may have
			// been faster than we since we looked.
			if objects, look := r.find(ctx, id, false); look == nil && len(objects) > 0 {
				return nil, keyring.ErrExists
			}
			return nil, err
		}
	}
}

// refusesFormat says whether a refusal may be about the Key Format Type.
func refusesFormat(reason kmip.ResultReason) bool {
	return reason == kmip.ReasonKeyFormatTypeNotSupported || reason == kmip.ReasonInvalidField || reason == kmip.ReasonFeatureNotSupported
}

// activate makes the object Active. What counts is not the answer but the state:
// some servers activate at once and then refuse, some know no Activate.
func (r *Keyring) activate(ctx context.Context, uid string) error {
	for attempt := 1; ; attempt++ {
		_, err := r.connection().Activate(ctx, uid)
		if err == nil || kmip.ReasonOf(err) == kmip.ReasonOperationNotSupported {
			return nil
		}
		state, look := r.stateOf(ctx, r.connection(), uid)
		if look == nil && state == kmip.StateActive {
			return nil
		}
		if look != nil || attempt > 1 || !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			return err
		}
	}
}

// undo takes a half-made object away again, or remembers it for the next attempt.
func (r *Keyring) undo(ctx context.Context, id keyring.ID, o *object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Timeout)
	defer cancel()
	if err := r.destroy(ctx, o.uid, kmip.StatePreActive); err != nil {
		r.log.Warn("a key that could not be activated stays on the key server until it is stored again", "key", id, "object", o.uid, "cause", err)
		r.setPending(id, o.data)
	}
	o.data.Wipe()
	r.drop(id, map[string]bool{o.uid: true})
}

func (r *Keyring) setPending(id keyring.ID, data *secret.Bytes) {
	at := r.connection().Status().Server
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending[id].Wipe()
	delete(r.pending, id)
	if !r.closed && !r.o.NoCache {
		r.pending[id], r.pendingAt[id] = data.Clone(), at
	}
}

func (r *Keyring) forgetPending(id keyring.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending[id].Wipe()
	delete(r.unfinished, id)
	delete(r.pending, id)
	delete(r.pendingAt, id)
}
