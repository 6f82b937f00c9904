package kmip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// checkOKV says why ProfileOKV cannot keep a key: AES of 16, 24 or 32 bytes and
// SECRET are what MySQL documents (MySQL manual, "Supported Keyring Key Types and
// Lengths").
func checkOKV(id keyring.ID, typ string, size int) error {
	errs := []error{checkID(id)}
	t, known := typeByName(typ)
	if !known {
		errs = append(errs, fmt.Errorf("invalid key type: %q; it should be AES or SECRET", typ))
	}
	switch {
	case t == symmetric && size != 16 && size != 24 && size != 32:
		errs = append(errs, fmt.Errorf("invalid key length: %d bytes; an AES key has 16, 24 or 32", size))
	case size < 1 || size > keyring.MaxKeySize:
		errs = append(errs, fmt.Errorf("invalid key length: %d bytes; a key may have 1 to %d", size, keyring.MaxKeySize))
	}
	return errors.Join(errs...)
}

// addOKV puts a key there whose ID is free. given is nil for a key that the server
// is to make.
func (r *Keyring) addOKV(ctx context.Context, op string, id keyring.ID, typ string, size int, given *secret.Bytes) error {
	if err := checkOKV(id, typ, size); err != nil {
		return keyring.E(op, id, keyring.ErrInvalid, err)
	}
	if err := r.begin(ctx); err != nil {
		return r.fault(op, id, err)
	}
	defer r.end()
	r.sweep(ctx)
	if r.cached(id) {
		return keyring.E(op, id, keyring.ErrExists, nil)
	}
	if op == "generate" {
		r.warnForeignTo(id)
	}
	objects, err := r.findAll(ctx, id, false)
	if err != nil {
		return r.fault(op, id, err)
	}
	ctx = r.connection().Stay(ctx) // what follows belongs to one object, so to one server
	d := &draft{id: id, typ: typ, size: size, given: given, mark: newMark(given == nil)}
	o, err := r.again(ctx, d, objects)
	if err == nil && o == nil {
		o, err = r.make(ctx, d)
	}
	if err != nil {
		return r.fault(op, id, err)
	}
	if err := r.finish(ctx, d, o); err != nil {
		r.abandon(ctx, id, o)
		return r.fault(op, id, err)
	}
	r.forgetPending(id)
	r.put(id, o)
	return nil
}

// draft is a key that is to be made.
type draft struct {
	id    keyring.ID
	typ   string
	size  int
	given *secret.Bytes // nil if the server makes the content
	mark  string

	custom bool               // the server takes no Application Specific Information
	format kmip.KeyFormatType // of Secret Data; 0 for Opaque
}

// again returns an object that an earlier attempt has left and that is what the
// draft wants: nobody has had the key yet, so making it is as good as going on.
// What it left and cannot be gone on with is taken away if that attempt was
// ours; what others left waits for sweep. It returns keyring.ErrExists if there
// is a key.
func (r *Keyring) again(ctx context.Context, d *draft, objects []*object) (*object, error) {
	r.mu.RLock()
	mine, failed := r.unfinished[d.id]
	r.mu.RUnlock()
	keys, left := r.split(objects)
	if len(keys) > 0 {
		// Our attempt may have come further than its answers.
		if failed && keys[0].mark == mine {
			if fits, err := r.fits(ctx, d, keys[0]); fits || err != nil {
				return keys[0], err
			}
		}
		return nil, keyring.ErrExists
	}
	for _, o := range left {
		if fits, err := r.fits(ctx, d, o); fits || err != nil {
			return o, err
		}
	}
	for _, o := range left {
		if failed && o.mark == mine {
			if err := r.discard(ctx, o.uid); err != nil {
				return nil, err
			}
			r.forgetPending(d.id)
		}
	}
	return nil, nil
}

// fits says whether an object is what the draft wants. It gets the content, which
// the object then has.
func (r *Keyring) fits(ctx context.Context, d *draft, o *object) (bool, error) {
	if o.typ != d.typ || d.given == nil && !strings.HasPrefix(o.mark, markMade) {
		return false, nil
	}
	if err := r.getContent(ctx, o); err != nil {
		if isGone(err) {
			err = nil
		}
		return false, err
	}
	if d.given == nil && o.data.Len() == d.size || d.given != nil && o.data.Equal(d.given) {
		return true, nil
	}
	o.data.Wipe()
	o.data = nil
	return false, nil
}

func (r *Keyring) getContent(ctx context.Context, o *object) error {
	res, err := r.connection().Get(ctx, o.uid)
	if err != nil {
		return err
	}
	defer res.Object.Wipe()
	return o.setContent(res)
}

// make has the server make the object, and never two of them: where the outcome
// is not known it looks for the mark before it tries again.
func (r *Keyring) make(ctx context.Context, d *draft) (*object, error) {
	var data *secret.Bytes // of what is registered
	t, _ := typeByName(d.typ)
	switch {
	case d.given != nil:
		data = d.given.Clone()
	case t == secretData:
		var err error
		if data, err = r.randomOfServer(ctx, d.size); err != nil {
			return nil, err
		}
	}
	o, err := r.makeOf(ctx, d, t, data)
	if err != nil {
		data.Wipe()
		return nil, err
	}
	return o, nil
}

func (r *Keyring) makeOf(ctx context.Context, d *draft, t objectType, data *secret.Bytes) (*object, error) {
	for attempt := 1; ; attempt++ {
		uid, err := r.request(ctx, d, data)
		if err == nil {
			return &object{uid: uid, ids: []keyring.ID{d.id}, typ: d.typ, data: data, state: kmip.StatePreActive, marks: marks{mark: d.mark}, initial: r.serverClock()}, nil
		}
		var refusal *kmip.Error
		switch {
		case errors.Is(err, kmipclient.ErrOutcomeUnknown):
			r.setUnfinished(d.id, d.mark)
			objects, look := r.findAll(ctx, d.id, false)
			if look != nil {
				return nil, err
			}
			if i := slices.IndexFunc(objects, func(o *object) bool { return o.mark == d.mark }); i >= 0 {
				o := objects[i]
				o.typ, o.data = d.typ, data
				return o, nil
			}
			if attempt > 1 {
				return nil, err
			}
			r.log.Warn("the answer of the key server was lost and the key is not there; making it again", "key", d.id)
		case !errors.As(err, &refusal):
			return nil, err
		case refusal.Reason == kmip.ReasonApplicationNamespaceNotSupported && !d.custom:
			d.custom = true
			d.typ = t.name // there is no room for the user's spelling
		case data != nil && t == secretData && d.format == 0 && refusesFormat(refusal.Reason):
			d.format = kmip.KeyFormatRaw // a server that is strict with Secret Data takes only this
		default:
			return nil, r.whyRefused(ctx, d, err)
		}
	}
}

// request sends Create or, with data, Register, and returns the Unique Identifier.
func (r *Keyring) request(ctx context.Context, d *draft, data *secret.Bytes) (uid string, err error) {
	// Several instances of an attribute have an index each: PyKMIP insists.
	mark := func(attrs kmip.Attributes) kmip.Attributes {
		for _, a := range marking(d.mark, d.custom, !r.can().addAttribute) {
			attrs.Add(a.Name, a.Value)
		}
		return attrs
	}
	if data == nil {
		res, err := r.connection().Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey,
			Template: kmip.Template{Attributes: mark(attributesOf(d.id, d.typ, d.size, r.o.ObjectGroup, !d.custom))}})
		if err != nil {
			return "", err
		}
		return res.UniqueIdentifier, nil
	}
	format := d.format
	if format == 0 {
		format = kmip.KeyFormatOpaque
	}
	req := registration(d.id, d.typ, data, r.o.ObjectGroup, !d.custom, format)
	req.Template.Attributes = mark(req.Template.Attributes)
	res, err := r.connection().Register(ctx, req)
	if err != nil {
		return "", err
	}
	return res.UniqueIdentifier, nil
}

// whyRefused looks for the cause of a refusal: a server with unique Names says in
// many ways that one is taken.
func (r *Keyring) whyRefused(ctx context.Context, d *draft, err error) error {
	objects, look := r.findAll(ctx, d.id, false)
	if look != nil {
		return err
	}
	keys, left := r.split(objects)
	switch {
	case len(keys) > 0:
		return keyring.ErrExists
	case len(left) > 0:
		return &message{fmt.Sprintf("the key server refused (%s): an interrupted operation has left object %s under the key's Name; it is removed %v after it was made, if it is not destroyed on the key server before: %v",
			r.where(), left[0].uid, leftAfter, err), err}
	}
	return err
}

// finish makes a key of an object: with its content, marked as ready, and Active.
// It ends with a look at the object as any later load will see it.
func (r *Keyring) finish(ctx context.Context, d *draft, o *object) error {
	if o.data == nil {
		if err := r.getContent(ctx, o); err != nil {
			return err
		}
		if o.data.Len() != d.size {
			return fmt.Errorf("could not fetch the generated key: the key server made %d bytes, not %d", o.data.Len(), d.size)
		}
	}
	if !o.ready && r.can().addAttribute {
		if err := r.markReady(ctx, o.uid); err != nil {
			return err
		}
	}
	if o.state == kmip.StatePreActive {
		if err := r.activate(ctx, o.uid); err != nil {
			return err
		}
	}
	now, err := r.look(ctx, o.uid)
	switch {
	case err != nil:
		return err
	case now == nil:
		return errors.New("the key server does not have the key that it made")
	case !slices.Contains(now.ids, d.id) || !now.isKey():
		return fmt.Errorf("the key server has not kept what makes object %s a key (Name %t, mark %t, %s %t, state %s)",
			o.uid, slices.Contains(now.ids, d.id), now.mark != "", attrReady, now.ready, now.state)
	}
	o.state, o.initial, o.marks = now.state, now.initial, now.marks
	return nil
}

// look reads an object's attributes. It returns nil where there is none.
func (r *Keyring) look(ctx context.Context, uid string) (*object, error) {
	objects, unreadable, err := r.read(ctx, r.connection(), []string{uid}, false)
	switch {
	case err != nil:
		return nil, err
	case len(unreadable) > 0:
		return nil, unreadable[0]
	case len(objects) == 0:
		return nil, nil
	}
	return objects[0], nil
}

// markReady marks an object as complete. What counts is not the answer but the
// attributes: one may have been lost.
func (r *Keyring) markReady(ctx context.Context, uid string) error {
	var err error
	for _, a := range []kmip.Attribute{kmip.TextAttribute(attrReady, readyValue), information(dataReady)} {
		for attempt := 1; attempt <= 2; attempt++ {
			if _, err = r.connection().AddAttribute(ctx, uid, a); err == nil {
				return nil
			}
			now, look := r.look(ctx, uid)
			if look == nil && now != nil && now.ready {
				return nil
			}
			if look != nil || now == nil {
				return err
			}
			if !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
				break
			}
		}
		if kmip.ReasonOf(err) == 0 {
			return err
		}
	}
	return fmt.Errorf("could not set the key attribute %s: %w", attrReady, err)
}

// abandon takes away what an operation that failed has made.
func (r *Keyring) abandon(ctx context.Context, id keyring.ID, o *object) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.o.Timeout)
	defer cancel()
	o.data.Wipe()
	if err := r.discard(ctx, o.uid); err != nil {
		r.log.Warn("a key that could not be completed stays on the key server until it is made again, or is removed later", "key", id, "object", o.uid, "cause", err)
		r.setUnfinished(id, o.mark)
		r.addLeft(leftover{o.uid, o.initial})
		return
	}
	r.forgetPending(id)
}

func (r *Keyring) setUnfinished(id keyring.ID, mark string) {
	at := r.connection().Status().Server
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unfinished[id], r.pendingAt[id] = mark, at
}
