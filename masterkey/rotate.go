package masterkey

import (
	"context"
	"errors"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Rotation says what Rotate does besides.
type Rotation struct {
	Options
	// From keeps the present master key, if that is another provider than the new
	// one's: the master key moves, and the data stay as they are. nil: the same.
	From Provider
}

// Rotate wraps the data keys under a new master key: one that it makes, or that
// KeyIdentifier names. Data are not encrypted anew. The old key may be in any state; it
// is not touched, and the store that needs it stays beside the new one.
//
// When it fails the store is as it was, and what was made on the key server is written
// down: the next attempt takes it up.
func Rotate(ctx context.Context, r Rotation) (old, fresh Ref, err error) {
	o := r.begin()
	const op = "rotate the master key"
	unlock, err := o.lock()
	if err != nil {
		return Ref{}, Ref{}, wrap(op, err)
	}
	defer unlock()
	old, fresh, err = o.rotate(ctx, r.From)
	return old, fresh, wrap(op, err)
}

func (o *opening) rotate(ctx context.Context, from Provider) (old, fresh Ref, err error) {
	c, err := o.read()
	switch {
	case err != nil:
		return old, fresh, err
	case c == nil || c.Master == nil:
		return old, fresh, mismatch("rotateMasterKey is set, and there is no key store in %s yet. Start once without it", o.Dir)
	}
	old = *c.Master
	move := from != nil
	if !move {
		from = o.Provider
	}
	switch {
	case old.Provider != from.Name() && from.Name() != KeyFile:
		return old, fresh, mismatch("rotateMasterKey is set for %s, and the database was encrypted with the master key %s. Move the master key first: dbkeyring migrate", label(from.Name()), old)
	case !move && from.Name() == KeyFile:
		return old, fresh, mismatch("a key file is not rotated. Move the master key to another file, a KMIP server or AWS KMS: dbkeyring migrate")
	case !move && o.KeyIdentifier != "" && o.KeyIdentifier == old.ID:
		return old, fresh, mismatch("rotateMasterKey is set, and keyIdentifier is the key that is in use, %s. Name another key, or leave keyIdentifier out to have one made", old)
	}
	source := old
	if from.Name() == KeyFile {
		source = Ref{Provider: KeyFile}
	}
	key, _, err := from.Read(ctx, source)
	if err != nil {
		return old, fresh, absent(err, old)
	}
	defer key.Wipe()
	s, err := o.unlocked(c, key)
	if err != nil {
		return old, fresh, err
	}
	defer s.keys.wipe()
	fresh, err = o.rewrap(ctx, s)
	return old, fresh, err
}

// rewrap brings about the new key and writes the store that it protects.
func (o *opening) rewrap(ctx context.Context, s *Store) (Ref, error) {
	next := s.now.clone()
	key, ref, err := o.make(ctx, next, func(c *content) error {
		n := c.clone() // which the store takes over
		err := s.commit(n)
		c.Generation = n.Generation
		return err
	})
	if err != nil {
		return Ref{}, err
	}
	defer key.Wipe()
	k, err := deriveKeys(key, next.Store)
	if err != nil {
		return Ref{}, err
	}
	defer k.wipe()
	next = next.clone()
	next.Master, next.Pending = &ref, nil
	next.Generation++
	for i, d := range next.Keys {
		plain, err := s.keys.open(next.Store, d)
		if err != nil {
			return Ref{}, &DamagedError{o.path(), err}
		}
		next.Keys[i].Key, err = k.seal(next.Store, d.ID, d.Tag, plain)
		plain.Wipe()
		if err != nil {
			return Ref{}, err
		}
	}
	if err := k.sign(next); err != nil {
		return Ref{}, err
	}
	if err := o.keep(s.now); err != nil {
		return Ref{}, err
	}
	if err := o.write(next); err != nil {
		return ref, o.settle(next, ref, err)
	}
	o.Log.Info("the master key has been rotated", "old", s.now.Master.String(), "new", ref.String())
	return ref, nil
}

// settle finds out what a failed write has left: if the new store is in place, its
// durability alone is in doubt.
func (o *opening) settle(next *content, ref Ref, cause error) error {
	there, err := o.read()
	if err == nil && there != nil && there.Sum == next.Sum {
		if again := o.write(next); again == nil {
			return nil
		}
		return keyring.E("", keyring.ID{}, keyring.ErrReadOnly, errors.Join(cause,
			errors.New("the key store is written for the new master key "+ref.String()+", and may be the old one again after a power cut. Rotate once more")))
	}
	return cause
}
