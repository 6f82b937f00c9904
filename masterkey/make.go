package masterkey

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// A master key is made in steps, each of which is written down before the next: the
// marker, by which the key can be found if no answer comes; the key's identifier; and at
// last the content that it protects. A crash anywhere leaves a key that the next attempt
// takes up, and never one that nobody knows of.

func (p *pending) key() string {
	if p.Ref != nil {
		return p.Ref.ID
	}
	return p.Marker
}

// recorder writes a content down while a key is in the making.
type recorder func(*content) error

// make brings about a new master key, or the one that is wanted. c is changed.
func (o *opening) make(ctx context.Context, c *content, record recorder) (*secret.Bytes, Ref, error) {
	if o.KeyIdentifier != "" || o.Provider.Name() == KeyFile {
		return o.given(ctx)
	}
	key, ref, err := o.created(ctx, c, record)
	if err != nil {
		return nil, Ref{}, err
	}
	if o.Activate {
		if err := o.activated(ctx, ref); err != nil {
			key.Wipe()
			return nil, Ref{}, err
		}
	}
	ref.Check = CheckValue(key)
	return key, ref, nil
}

// given reads a key that somebody else has made.
func (o *opening) given(ctx context.Context) (*secret.Bytes, Ref, error) {
	ref := Ref{Provider: o.Provider.Name(), ID: o.KeyIdentifier}
	if o.Activate {
		if err := o.mustBeActive(ctx, ref); err != nil {
			return nil, Ref{}, err
		}
	}
	key, ref, err := o.Provider.Read(ctx, ref)
	if err != nil {
		return nil, Ref{}, absent(err, ref)
	}
	ref.Check = CheckValue(key)
	return key, ref, nil
}

// created makes a key, or takes up what an interrupted attempt has made.
func (o *opening) created(ctx context.Context, c *content, record recorder) (*secret.Bytes, Ref, error) {
	if c.Pending != nil && c.Pending.Provider == o.Provider.Name() {
		key, ref, err := o.takenUp(ctx, c, record)
		if err == nil || !errors.Is(err, keyring.ErrNotFound) {
			return key, ref, err
		}
	}
	c.Pending = &pending{Provider: o.Provider.Name(), Marker: fmt.Sprintf("dbkeyring %s %d", c.Store, c.Generation+1)}
	if err := record(c); err != nil {
		return nil, Ref{}, err
	}
	key, ref, err := o.Provider.Create(ctx, c.Pending.Marker)
	if err != nil {
		return nil, Ref{}, err
	}
	o.Log.Info("a master key has been made", "provider", ref.Provider, "key", ref.ID, "server", ref.Server)
	c.Pending.Ref = &ref
	if err := record(c); err != nil {
		key.Wipe()
		return nil, Ref{}, err
	}
	return key, ref, nil
}

// takenUp finds what is pending; ErrNotFound: there is nothing.
func (o *opening) takenUp(ctx context.Context, c *content, record recorder) (*secret.Bytes, Ref, error) {
	if c.Pending.Ref == nil {
		ref, err := o.Provider.Find(ctx, c.Pending.Marker)
		if err != nil {
			return nil, Ref{}, err
		}
		c.Pending.Ref = &ref
		if err := record(c); err != nil {
			return nil, Ref{}, err
		}
	}
	state, err := o.Provider.State(ctx, *c.Pending.Ref)
	if err != nil {
		return nil, Ref{}, err
	}
	if state != PreActive && state != Active { // somebody has put an end to it
		return nil, Ref{}, keyring.ErrNotFound
	}
	key, ref, err := o.Provider.Read(ctx, *c.Pending.Ref)
	if err == nil {
		o.Log.Info("the master key of an interrupted attempt is taken up", "provider", ref.Provider, "key", ref.ID)
	}
	return key, ref, err
}

// activated activates a new key and makes sure that it is Active.
func (o *opening) activated(ctx context.Context, r Ref) error {
	if err := o.Provider.Activate(ctx, r); err != nil {
		return err
	}
	state, err := o.Provider.State(ctx, r)
	if err == nil && state != Active {
		err = keyring.E("", keyring.ID{}, keyring.ErrInactive, fmt.Errorf("the new master key %s was activated, and is %s", r, state))
	}
	return err
}

// first makes the store of a new database; c is what an interrupted attempt has left.
func (o *opening) first(ctx context.Context, c *content) (*Store, error) {
	if c == nil {
		var err error
		if c, err = newContent(); err != nil {
			return nil, err
		}
	}
	key, ref, err := o.make(ctx, c, func(c *content) error {
		c.Generation++
		return o.write(c)
	})
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	c.Master, c.Pending = &ref, nil
	c.Generation++
	k, err := deriveKeys(key, c.Store)
	if err == nil {
		err = k.sign(c)
	}
	if err == nil {
		err = o.write(c)
	}
	if err != nil {
		k.wipe()
		return nil, err
	}
	return &Store{file: o.file, log: o.Log, now: c, keys: k, unlock: func() {}}, nil
}
