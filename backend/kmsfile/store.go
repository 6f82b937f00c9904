package kmsfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Store has AWS KMS encrypt the key, and adds it to the file.
func (r *Keyring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	return r.add(ctx, "store", []keyring.ID{id}, []keyring.Key{k})
}

// StoreAll adds all keys and writes the file once. If one cannot be added, none
// is; the errors are those of Store. The keys stay the caller's.
func (r *Keyring) StoreAll(ctx context.Context, ids []keyring.ID, keys []keyring.Key) error {
	return r.add(ctx, "store", ids, keys)
}

// Generate makes a random key here and has AWS KMS encrypt it.
func (r *Keyring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E("generate", id, keyring.ErrInvalid, err)
	}
	k := keyring.Key{Type: typ, Data: secret.Random(size)}
	defer k.Wipe()
	return r.add(ctx, "generate", []keyring.ID{id}, []keyring.Key{k})
}

// aboutError is an error about one of several keys.
type aboutError struct {
	id  keyring.ID
	err error
}

func (e *aboutError) Error() string { return e.err.Error() }
func (e *aboutError) Unwrap() error { return e.err }

func (r *Keyring) add(ctx context.Context, op string, ids []keyring.ID, keys []keyring.Key) error {
	for i, id := range ids {
		if err := check(id, keys[i].Type, keys[i].Data.Len()); err != nil {
			return keyring.E(op, id, keyring.ErrInvalid, err)
		}
	}
	err := r.addChecked(ctx, ids, keys)
	var at keyring.ID // which key the error is about
	var about *aboutError
	switch {
	case errors.As(err, &about):
		at, err = about.id, about.err
	case len(ids) == 1:
		at = ids[0]
	}
	return fault(op, at, err)
}

func (r *Keyring) addChecked(ctx context.Context, ids []keyring.ID, keys []keyring.Key) error {
	if err := r.mayWrite(ctx); err != nil {
		return err
	}
	r.mu.RLock()
	for _, id := range ids { // so that AWS KMS is not asked in vain
		if r.unsure == nil && r.now.doc.Find(id) != nil {
			r.mu.RUnlock()
			return &aboutError{id, keyring.ErrExists}
		}
	}
	r.mu.RUnlock()
	wrapped := make([]keyringfile.Value, len(ids))
	err := each(ctx, len(ids), func(ctx context.Context, i int) (err error) {
		if wrapped[i], err = r.encrypt(ctx, ids[i], keys[i].Type, keys[i].Data); err != nil {
			return &aboutError{ids[i], err}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.change(ctx, func(s *state) error {
		for i, id := range ids {
			if s.doc.Find(id) != nil {
				return &aboutError{id, keyring.ErrExists}
			}
			s.add(keyringfile.NewElement(id, keys[i].Type, wrapped[i]), keys[i].Data.Clone())
		}
		return nil
	})
}

// Remove takes the key out of the file.
func (r *Keyring) Remove(ctx context.Context, id keyring.ID) error {
	err := r.change(ctx, func(s *state) error {
		if s.doc.Find(id) == nil {
			return keyring.ErrNotFound
		}
		s.doc = s.doc.Without(id)
		delete(s.plain, id)
		return nil
	})
	return fault("remove", id, err)
}

func (r *Keyring) mayWrite(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	if r.o.ReadOnly {
		return keyring.ErrReadOnly
	}
	return nil
}

// change has fn change a copy of the present state, writes the file, and makes the
// copy the present state. If that fails, the keyring is as before.
func (r *Keyring) change(ctx context.Context, fn func(*state) error) error {
	if err := r.mayWrite(ctx); err != nil {
		return err
	}
	end, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer end()
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	doc, err := r.inFormat(ctx, r.now)
	if err != nil {
		return err
	}
	next := r.now.with(doc)
	if err := fn(next); err != nil {
		next.wipe(r.now)
		return err
	}
	return r.commit(next)
}

// inFormat returns a copy of the document in the configured format.
func (r *Keyring) inFormat(ctx context.Context, s *state) (*keyringfile.Document, error) {
	if s.format == r.o.Format {
		return s.doc.Map(func(e *keyringfile.Element) *keyringfile.Element { return e }), nil
	}
	values := make([]keyringfile.Value, len(s.doc.Elements))
	err := each(ctx, len(values), func(ctx context.Context, i int) (err error) {
		e := s.doc.Elements[i]
		if values[i], err = r.encrypt(ctx, e.ID, e.Type, s.plain[e.ID]); err != nil {
			return fmt.Errorf("the key %s cannot be brought into the format %q: %w", e.ID, r.o.Format, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return replaced(s.doc, values), nil
}

// replaced is a document with other values of the elements.
func replaced(d *keyringfile.Document, values []keyringfile.Value) *keyringfile.Document {
	i := -1
	return d.Map(func(e *keyringfile.Element) *keyringfile.Element {
		i++
		return e.With(values[i])
	})
}

// commit writes a state, and makes it the present one. The caller holds the lock.
func (r *Keyring) commit(next *state) error {
	before := r.now
	next.format, next.restored = r.o.Format, false
	if next.format == FormatDBKeyring {
		next.lineage = before.lineage.next()
	} else {
		next.lineage = lineage{}
	}
	text := encode(next.doc, next.format, next.lineage)
	next.sum = sha256.Sum256(text)
	if err := r.write(before, next, text); err != nil {
		return err
	}
	var err error
	if next.stamps, err = r.file.Stamps(); err != nil {
		next.stamps = keyringfile.Unknown
	}
	if before.format != next.format && before.stamps[0].There {
		r.log.Info(fmt.Sprintf("the keyring file has the format %q now; it had %q", next.format, before.format), "file", r.o.Path)
	}
	r.adopt(next)
	r.seal(next)
	return nil
}

// write puts the text into the file. If it fails, it finds out what the file is now.
func (r *Keyring) write(before, next *state, text []byte) error {
	err := r.unseal()
	if err == nil {
		err = r.restore(before)
	}
	if err == nil {
		err = r.file.Write(text, before.stamps)
	}
	if err == nil {
		return nil
	}
	before.stamps = keyringfile.Unknown
	r.mu.Lock()
	r.unsure = next
	r.mu.Unlock()
	if unsettled := r.settle(); unsettled != nil {
		r.log.Warn("a write of the keyring file failed, and what the file holds now cannot be read yet", "cause", unsettled)
	}
	return err
}

// restore brings a backup that counts into the file, and takes it away: were it there
// while another change is written, it would count once more if that was interrupted.
func (r *Keyring) restore(s *state) error {
	if !s.stamps[1].There {
		return nil
	}
	if s.restored {
		text := encode(s.doc, s.format, s.lineage)
		if err := r.file.Write(text, keyringfile.Stamps{s.stamps[0]}); err != nil {
			return err
		}
		s.sum, s.restored = sha256.Sum256(text), false
	}
	if err := r.file.DropBackup(); err != nil {
		return err
	}
	s.stamps[1] = keyringfile.Stamp{}
	return nil
}
