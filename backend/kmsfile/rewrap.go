package kmsfile

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Rewrap has AWS KMS encrypt every key anew, under the configured KMS keys, and then
// replaces the file once. Keys can be read and stored meanwhile. What was encrypted is
// kept in PATH.rewrap until then.
func (r *Keyring) Rewrap(ctx context.Context, progress func(done, total int)) error {
	return fault("rewrap", keyring.ID{}, r.rewrap(ctx, progress))
}

func (r *Keyring) rewrap(ctx context.Context, report func(done, total int)) error {
	if err := r.mayWrite(ctx); err != nil {
		return err
	}
	p, err := r.openProgress(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	r.mu.RLock()
	elements := r.now.doc.Elements
	r.mu.RUnlock()
	if err := r.rewrapEach(ctx, elements, p, report); err != nil {
		return errors.Join(err, p.Sync())
	}
	if err := p.Sync(); err != nil {
		return err
	}
	if err := r.replaceAll(ctx, p); err != nil {
		return err
	}
	if err := p.Remove(); err != nil {
		r.log.Warn("the keys were encrypted anew; the file that kept what was done could not be removed", "cause", err)
	}
	return nil
}

// rewrapEach encrypts the elements anew that are not done yet.
func (r *Keyring) rewrapEach(ctx context.Context, elements []*keyringfile.Element, p *progress, report func(done, total int)) error {
	var mu sync.Mutex
	done := 0
	return each(ctx, len(elements), func(ctx context.Context, i int) error {
		e := elements[i]
		if _, done := p.Find(nameOf(e)); !done {
			v, err := r.rewrapOne(ctx, e)
			if err != nil {
				return fmt.Errorf("the key %s: %w", e.ID, err)
			}
			if v != nil {
				if err := add(p, e, v); err != nil {
					return err
				}
			}
		}
		if report != nil {
			mu.Lock()
			defer mu.Unlock()
			done++
			report(done, len(elements))
		}
		return nil
	})
}

// replaceAll writes the new values. Keys that came meanwhile are encrypted under the
// same KMS keys already; what another process changed is done now.
func (r *Keyring) replaceAll(ctx context.Context, p *progress) error {
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
	elements := r.now.doc.Elements
	if len(elements) == 0 {
		return nil
	}
	if err := r.rewrapEach(ctx, elements, p, nil); err != nil {
		return err
	}
	values := make([]keyringfile.Value, len(elements))
	for i, e := range elements {
		values[i], _ = p.Find(nameOf(e))
	}
	return r.commit(r.now.with(replaced(r.now.doc, values)))
}

// rewrapOne returns a key encrypted anew, nil for one that was removed meanwhile.
func (r *Keyring) rewrapOne(ctx context.Context, e *keyringfile.Element) (keyringfile.Value, error) {
	if b, ok := e.Value.(blob); ok && r.o.Format == FormatPercona {
		n, err := r.client.ReEncrypt(ctx, awskms.Blob{Data: b}, nil, r.o.Keys[0], nil)
		return blob(n.Data), r.seen(err)
	}
	old, _ := e.Value.(copies)
	c := make(copies, len(r.writers()))
	for i, key := range r.writers() {
		n, err := r.rewrapUnder(ctx, e, old, key)
		if err != nil {
			return nil, r.inRegion(key, err)
		}
		if n.Data == nil {
			return nil, nil
		}
		c[i] = n
	}
	if r.o.Format == FormatPercona {
		return blob(c[0].Data), nil
	}
	return c, nil
}

// rewrapUnder re-encrypts a copy within the region of the KMS key. If there is none
// that AWS KMS can use, the key is encrypted from memory.
func (r *Keyring) rewrapUnder(ctx context.Context, e *keyringfile.Element, old copies, key string) (awskms.Blob, error) {
	with := awskms.ContextOf(e.ID, e.Type)
	if r.o.Format == FormatPercona {
		old, with = nil, nil // another format: there is nothing to re-encrypt
	}
	for _, c := range old {
		if r.regionOf(c.KeyARN) != r.regionOf(key) {
			continue
		}
		n, err := r.client.ReEncrypt(ctx, c, with, key, with)
		if r.seen(err) == nil || errors.Is(err, keyring.ErrUnreachable) {
			return n, err
		}
	}
	r.mu.RLock()
	k := r.now.plain[e.ID].Clone() // one that was removed is empty
	r.mu.RUnlock()
	defer k.Wipe()
	if k.Len() == 0 {
		return awskms.Blob{}, nil
	}
	n, err := r.client.Encrypt(ctx, key, k, with)
	return n, r.seen(err)
}
