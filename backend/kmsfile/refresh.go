package kmsfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// errUnsure is for who asks before the file can be read again.
var errUnsure = errors.New("a write of the keyring file failed, and what the file holds now cannot be read")

// settle finds out what a write that failed has left in the file: the old content or
// the new one. The memory then is the same. The caller has the file.
func (r *Keyring) settle() error {
	if r.unsure == nil {
		return nil
	}
	text, stamp, err := keyringfile.ReadFile(r.file.FS, r.o.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
	defer text.Wipe()
	sum := sha256.Sum256(text.Reveal())
	if sum == r.unsure.sum && sum != r.now.sum {
		r.unsure.stamps = keyringfile.Unknown
		r.adopt(r.unsure)
		return nil
	}
	if stamp.There && sum == r.now.sum {
		r.seal(r.now)
	} // anything else is another program's, which the next write looks at
	r.adopt(r.now)
	return nil
}

// settleToRead is settle for who only reads: it waits for no write. The error is one
// for the case that nothing was settled.
func (r *Keyring) settleToRead() error {
	r.mu.RLock()
	known := r.unsure == nil
	r.mu.RUnlock()
	if !known {
		select {
		case r.writing <- struct{}{}:
			defer func() { <-r.writing }()
			if err := r.settle(); err != nil {
				return err
			}
		default: // the one who has the file is at it
		}
	}
	return errUnsure
}

// refresh looks whether the file is still as it was read or written last. If it is
// another one, it is taken over if no key of ours is lost by that. The caller holds
// the lock.
func (r *Keyring) refresh(ctx context.Context) error {
	if err := r.settle(); err != nil {
		return err
	}
	stamps, err := r.file.Stamps()
	if err != nil {
		return err
	}
	if stamps == r.now.stamps {
		return nil
	}
	l, err := r.read(ctx, true)
	if err != nil {
		return err
	}
	if l.sum == r.now.sum && l.Restored == r.now.restored && !l.stamps[1].There {
		r.now.stamps = l.stamps // touched, or copied to and fro
		return nil
	}
	s, err := r.load(ctx, l, r.now)
	if err != nil {
		return err
	}
	if err := r.follows(s); err != nil {
		s.wipe(r.now)
		return err
	}
	r.report(l)
	r.log.Info("the keyring file was changed by another program; no key is missing, and the file is taken over",
		"file", r.o.Path, "keys", len(s.plain))
	r.adopt(s)
	return nil
}

// follows says why a file cannot replace the one that was there.
func (r *Keyring) follows(s *state) error {
	if own := r.now.lineage; own.keyring != "" && own.keyring == s.lineage.keyring {
		switch {
		case s.lineage.generation > own.generation:
			return nil // another process of ours has written it, after it read ours
		case s.lineage.generation < own.generation:
			return r.changed("is an older copy")
		}
	}
	var lost []string
	for _, e := range r.now.doc.Elements {
		n := s.doc.Find(e.ID)
		if n == nil || n.Type != e.Type || !s.plain[e.ID].Equal(r.now.plain[e.ID]) {
			lost = append(lost, e.ID.String())
		}
	}
	switch n := len(lost); {
	case n == 0:
		return nil
	case n > 3:
		return r.changed(fmt.Sprintf("lacks %s and %d other keys, or has others in their place", strings.Join(lost[:3], ", "), n-3))
	}
	return r.changed(fmt.Sprintf("lacks %s, or has another key in its place", strings.Join(lost, ", ")))
}

// changed is the error of a file that must not be overwritten, and cannot be taken over.
func (r *Keyring) changed(how string) error {
	return &kindError{keyring.ErrCorrupt, fmt.Sprintf("the keyring file was changed by another program and %s (%s). "+
		"Restore the file, or take it as it is with ALTER INSTANCE RELOAD KEYRING", how, r.o.Path)}
}
