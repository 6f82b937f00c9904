package kmsfile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// parallel is how many keys are encrypted or decrypted at once.
const parallel = 32

// each calls fn for 0 to n-1, several at once. The first error ends it.
func each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(ctx, i)
		})
	}
	return g.Wait()
}

// writers are the KMS keys that a key is encrypted under.
func (r *Keyring) writers() []string {
	if r.o.Format == FormatDBKeyring {
		return r.o.Keys
	}
	return r.o.Keys[:1]
}

// encrypt has AWS KMS encrypt a key as the configured format wants it. With several
// KMS keys each of them has to answer: a key that lacks one cannot be read when the
// others are away.
func (r *Keyring) encrypt(ctx context.Context, id keyring.ID, typ string, plain *secret.Bytes) (keyringfile.Value, error) {
	if r.o.Format == FormatPercona {
		b, err := r.client.Encrypt(ctx, r.o.Keys[0], plain, nil)
		return blob(b.Data), r.seen(err)
	}
	c := make(copies, len(r.o.Keys))
	err := each(ctx, len(c), func(ctx context.Context, i int) (err error) {
		c[i], err = r.client.Encrypt(ctx, r.o.Keys[i], plain, awskms.ContextOf(id, typ))
		return r.inRegion(r.o.Keys[i], r.seen(err))
	})
	return c, err
}

// inRegion adds to an error the region of the KMS key, if there are several.
func (r *Keyring) inRegion(key string, err error) error {
	if err == nil || len(r.o.Keys) < 2 {
		return err
	}
	return fmt.Errorf("region %s: %w", r.regionOf(key), err)
}

func (r *Keyring) regionOf(key string) string {
	if _, region, err := awskms.ParseKeyID(key); err == nil && region != "" {
		return region
	}
	return r.client.Region()
}

// unwrapper decrypts the keys of a file.
type unwrapper struct {
	r    *Keyring
	mu   sync.Mutex
	last map[string]bool // the KMS keys that failed: they are tried last
}

func (u *unwrapper) failed(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[key]
}

func (u *unwrapper) fail(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last == nil {
		u.last = map[string]bool{}
	}
	u.last[key] = true
}

// decrypt has AWS KMS decrypt a key. Of several copies the first one that can be
// decrypted counts.
func (u *unwrapper) decrypt(ctx context.Context, e *keyringfile.Element) (*secret.Bytes, error) {
	b, isOne := e.Value.(blob)
	if isOne {
		s, err := u.r.client.Decrypt(ctx, awskms.Blob{Data: b}, nil)
		return s, u.r.seen(err)
	}
	var order, later copies
	for _, c := range e.Value.(copies) {
		if u.failed(c.KeyARN) {
			later = append(later, c)
			continue
		}
		order = append(order, c)
	}
	var errs []error
	for _, c := range append(order, later...) {
		s, err := u.r.client.Decrypt(ctx, c, awskms.ContextOf(e.ID, e.Type))
		if u.r.seen(err) == nil {
			return s, nil
		}
		errs = append(errs, u.r.inRegion(c.KeyARN, err))
		if !errors.Is(err, keyring.ErrCorrupt) {
			u.fail(c.KeyARN)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, joined(errs)
}

// manyError is what several KMS keys have said. It is of one kind: the first of these
// that there is says what may help.
type manyError struct {
	text string
	err  error
}

func (e *manyError) Error() string { return e.text }
func (e *manyError) Unwrap() error { return e.err }

func joined(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	for _, kind := range []error{keyring.ErrUnreachable, keyring.ErrInactive, keyring.ErrDenied, keyring.ErrInvalid, keyring.ErrCorrupt} {
		for _, err := range errs {
			if errors.Is(err, kind) {
				return &manyError{strings.Join(texts, "; "), err}
			}
		}
	}
	return nil // there was no error
}

// decryptAll decrypts the keys of a document. What known has already, encrypted the
// same, is taken from there.
func (r *Keyring) decryptAll(ctx context.Context, d *keyringfile.Document, known *state) (map[keyring.ID]*secret.Bytes, error) {
	all := make(map[keyring.ID]*secret.Bytes, len(d.Elements))
	var todo []*keyringfile.Element
	for _, e := range d.Elements {
		if k := known.doc.Find(e.ID); k != nil && k.Type == e.Type && sameValue(k.Value, e.Value) {
			all[e.ID] = known.plain[e.ID]
			continue
		}
		todo = append(todo, e)
	}
	u := &unwrapper{r: r}
	done := make([]*secret.Bytes, len(todo))
	err := each(ctx, len(todo), func(ctx context.Context, i int) (err error) {
		if done[i], err = u.decrypt(ctx, todo[i]); err != nil {
			return fmt.Errorf("the key %s cannot be decrypted (%s): %w", todo[i].ID, r.o.Path, err)
		}
		return nil
	})
	for i, e := range todo {
		all[e.ID] = done[i]
		if err != nil {
			done[i].Wipe()
		}
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}
