package kmsdata

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// parallel is how many keys are encrypted anew at once.
const parallel = 16

// rounds bounds how often keys that were stored meanwhile are looked for.
const rounds = 20

// RotateMasterKey has AWS KMS make new material for the KMS key (keyring_aws_rotate_cmk).
// The keys in the file stay as they are and can still be decrypted; Rewrap encrypts
// them under the new material.
func (r *Keyring) RotateMasterKey(ctx context.Context) (report string, err error) {
	const op = "rotate the KMS key"
	if err := r.writable(ctx); err != nil {
		return "", fault(op, keyring.ID{}, err)
	}
	if err := r.client.Rotate(ctx, r.o.KeyID); err != nil {
		return "", fault(op, keyring.ID{}, err)
	}
	// What an interrupted Rewrap has done was done under the old material.
	if err := r.dropProgress(); err != nil {
		r.log.Warn("the notes of an interrupted rotation cannot be removed; remove them before keyring_aws_rotate_keys()", "file", r.progressFile(), "cause", err)
	}
	n, err := r.client.Rotations(ctx, r.o.KeyID)
	if err != nil {
		return fmt.Sprintf("the KMS key %s has new material; how many of its %d rotations on demand are used is not known: %v", r.o.KeyID, awskms.MaxOnDemandRotations, err), nil
	}
	return fmt.Sprintf("the KMS key %s has new material: %d of its %d rotations on demand are used", r.o.KeyID, n, awskms.MaxOnDemandRotations), nil
}

func (r *Keyring) writable(ctx context.Context) error {
	switch err := r.begin(ctx); {
	case err != nil:
		return err
	case r.o.ReadOnly:
		return keyring.ErrReadOnly
	case r.o.KeyID == "":
		return errNoKeyID
	}
	return nil
}

// Rewrap has AWS KMS encrypt every key anew under the present KMS key
// (keyring_aws_rotate_keys), and replaces the file at the end. Keys can be read,
// stored and removed meanwhile.
func (r *Keyring) Rewrap(ctx context.Context, progress func(done, total int)) error {
	const op = "encrypt the keys anew"
	if err := r.writable(ctx); err != nil {
		return fault(op, keyring.ID{}, err)
	}
	select { // one at a time
	case r.rewrapping <- struct{}{}:
		defer func() { <-r.rewrapping }()
	case <-ctx.Done():
		return fault(op, keyring.ID{}, ctx.Err())
	}
	err := r.rewrap(ctx, progress)
	if errors.As(err, new(*idError)) {
		return fault("encrypt anew", keyring.ID{}, err) // that key
	}
	return fault(op, keyring.ID{}, err)
}

func (r *Keyring) rewrap(ctx context.Context, progress func(done, total int)) error {
	// The KMS key as AWS KMS names it: an alias may have moved since the last time.
	target, err := r.client.Check(ctx, r.o.KeyID, awskms.OpReEncrypt)
	if err != nil {
		return err
	}
	if target == "" {
		target = r.o.KeyID
	}
	r.refresh()
	p, err := r.openProgress(r.present().identity, target)
	if err != nil {
		return err
	}
	defer p.Close()
	missing := r.present()
	for range rounds {
		if err := r.encryptAnew(ctx, missing, target, p, progress); err != nil {
			return err
		}
		missing = nil
		err := r.change(ctx, func(c *content) (*content, error) {
			n := c.next()
			for _, id := range c.order {
				e := c.entries[id]
				blob, ok := p.Find(nameOf(e.blob))
				if !ok {
					missing = c
					return nil, nil // stored meanwhile: once more
				}
				e.blob = blob
				n.entries[id] = e
			}
			return n, nil
		})
		switch {
		case err != nil:
			return err
		case missing == nil:
			if err := p.Remove(); err != nil {
				r.log.Warn("the notes of the rotation cannot be removed", "file", r.progressFile(), "cause", err)
			}
			return nil
		}
	}
	return errors.New("keys are stored faster than they can be encrypted anew")
}

// encryptAnew has AWS KMS encrypt each key that the notes lack.
func (r *Keyring) encryptAnew(ctx context.Context, c *content, target string, p *progress, progress func(done, total int)) error {
	var todo []entry
	for _, id := range c.order {
		if _, ok := p.Find(nameOf(c.entries[id].blob)); !ok {
			todo = append(todo, c.entries[id])
		}
	}
	total := len(c.order)
	before := total - len(todo)
	count := make(chan int, 1)
	count <- before
	tell := func(more int) {
		n := <-count + more
		if progress != nil {
			progress(n, total)
		}
		count <- n
	}
	tell(0)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, e := range todo {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			with := awskms.ContextOf(e.id, e.typ)
			blob, err := r.client.ReEncrypt(ctx, e.blob, with, target, with)
			if err != nil {
				return &idError{e.id, err}
			}
			if err := add(p, e.blob, blob); err != nil {
				return err
			}
			tell(1)
			return nil
		})
	}
	return errors.Join(g.Wait(), p.Sync())
}
