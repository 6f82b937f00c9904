package kmsdata

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Keyring is the back end. Open makes one.
type Keyring struct {
	o      Options
	log    *slog.Logger
	fs     filesys.FS
	client *awskms.Client

	// writing holds a token while the file is changed.
	writing chan struct{}
	// rewrapping holds one while all keys are encrypted anew.
	rewrapping chan struct{}

	mu     sync.RWMutex // guards what follows; it is never held while anyone is asked
	now    *content
	from   keyringfile.Stamp  // of the file that now was read from
	maybe  *content           // what a write that failed may have left in the file; nil if that is known
	told   *keyringfile.Stamp // of a wrong file that the log knows
	closed bool
}

var ( // compiler checks
	_ keyring.Keyring          = (*Keyring)(nil)
	_ keyring.Checker          = (*Keyring)(nil)
	_ keyring.Reloader         = (*Keyring)(nil)
	_ keyring.StatusReporter   = (*Keyring)(nil)
	_ keyring.MasterKeyRotator = (*Keyring)(nil)
	_ keyring.Rewrapper        = (*Keyring)(nil)
)

// Open reads the file, or makes it, and looks at the KMS key. That AWS KMS does not answer
// is no reason not to open: each key is asked for when it is needed. A nil log logs
// nothing.
func Open(ctx context.Context, o Options, log *slog.Logger) (*Keyring, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Keyring{o: o, log: log, fs: filesys.Or(o.FS), writing: make(chan struct{}, 1), rewrapping: make(chan struct{}, 1)}
	if err := r.start(ctx); err != nil {
		return nil, fault("open", keyring.ID{}, err)
	}
	return r, nil
}

func (r *Keyring) start(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.now, r.from, err = r.read()
	if err == nil && r.now == nil {
		if r.o.ReadOnly {
			return &fs.PathError{Op: "open", Path: r.o.DataFile, Err: fs.ErrNotExist}
		}
		r.now, r.from, err = r.create(ctx)
	}
	if err != nil {
		return err
	}
	if r.client, err = awskms.New(ctx, r.o.AWS); err != nil || r.o.KeyID == "" { // the configuration's reader tells of the latter
		return err
	}
	_, err = r.client.Check(ctx, r.o.KeyID, awskms.OpEncrypt)
	switch {
	case errors.Is(err, keyring.ErrUnreachable), err != nil && r.o.ReadOnly:
		r.log.Warn("the KMS key cannot be looked at", "cause", err)
		return nil
	case err != nil:
		r.client.Close()
	}
	return err
}

// begin says what speaks against an operation.
func (r *Keyring) begin(ctx context.Context) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return errClosed
	}
	return ctx.Err()
}

// take has the file for this call alone, within this keyring.
func (r *Keyring) take(ctx context.Context) (end func(), err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	select {
	case r.writing <- struct{}{}:
		return func() { <-r.writing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the keyring file is being changed: %w", ctx.Err())
	}
}

func (r *Keyring) present() *content {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.now
}

func (r *Keyring) adopt(c *content, stamp keyringfile.Stamp) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.from, r.maybe, r.told = c, stamp, nil, nil
}

func (r *Keyring) doubt(maybe *content) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.maybe, r.from = maybe, keyringfile.Stamp{}
}

func (r *Keyring) stamp() (keyringfile.Stamp, error) {
	return keyringfile.StampOf(r.fs, r.o.DataFile)
}

// refresh takes over what another program of ours has written. A file that is not a
// successor is told in the log, once, and what is in memory stays in use.
func (r *Keyring) refresh() {
	s, err := r.stamp()
	r.mu.RLock()
	now := r.now
	known := err == nil && (s == r.from || r.told != nil && s == *r.told)
	r.mu.RUnlock()
	if known {
		return
	}
	c, s, err := r.successor(now)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.now != now: // somebody was quicker
	case err == nil:
		r.now, r.from, r.maybe, r.told = c, s, nil, nil
	default:
		r.told = &s
		r.log.Error("the keyring file is not the one that was read; the keys in memory stay in use", "cause", err)
	}
}

// find looks a key up.
func (r *Keyring) find(id keyring.ID) (entry, error) {
	r.refresh()
	r.mu.RLock()
	defer r.mu.RUnlock()
	e, there := r.now.entries[id]
	if r.maybe != nil {
		if _, there2 := r.maybe.entries[id]; there != there2 {
			return entry{}, r.unsure()
		}
	}
	if !there {
		return entry{}, keyring.ErrNotFound
	}
	return e, nil
}

func (r *Keyring) unsure() error {
	return fmt.Errorf("a write of %s failed, and it is not known what the file holds", r.o.DataFile)
}

// Fetch has AWS KMS decrypt the key.
func (r *Keyring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	if err := r.begin(ctx); err != nil {
		return keyring.Key{}, fault("fetch", id, err)
	}
	e, err := r.find(id)
	if err != nil {
		return keyring.Key{}, fault("fetch", id, err)
	}
	data, err := r.client.Decrypt(ctx, e.blob, awskms.ContextOf(id, e.typ))
	if err != nil {
		return keyring.Key{}, fault("fetch", id, err)
	}
	return keyring.Key{Type: e.typ, Data: data}, nil
}

// Check says why Store would refuse such a key, if it would.
func (r *Keyring) Check(id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size, awskms.MaxEncrypt); err != nil {
		return keyring.E("store", id, keyring.ErrInvalid, err)
	}
	return nil
}

// Store has AWS KMS encrypt the key, of at most awskms.MaxEncrypt bytes.
func (r *Keyring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	if err := r.Check(id, k.Type, k.Data.Len()); err != nil {
		return err
	}
	return r.add(ctx, "store", id, k.Type, func(c awskms.Context) (awskms.Blob, error) {
		return r.client.Encrypt(ctx, r.o.KeyID, k.Data, c)
	})
}

// Generate has AWS KMS make the key, of at most awskms.MaxGenerate bytes.
func (r *Keyring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size, awskms.MaxGenerate); err != nil {
		return keyring.E("generate", id, keyring.ErrInvalid, err)
	}
	return r.add(ctx, "generate", id, typ, func(c awskms.Context) (awskms.Blob, error) {
		return r.client.Generate(ctx, r.o.KeyID, size, c)
	})
}

// add keeps a key that AWS KMS is asked for only if there is room for it.
func (r *Keyring) add(ctx context.Context, op string, id keyring.ID, typ string, ask func(awskms.Context) (awskms.Blob, error)) error {
	if err := r.begin(ctx); err != nil {
		return fault(op, id, err)
	}
	switch _, err := r.find(id); {
	case r.o.ReadOnly:
		return keyring.E(op, id, keyring.ErrReadOnly, nil)
	case err == nil:
		return keyring.E(op, id, keyring.ErrExists, nil)
	case r.o.KeyID == "":
		return fault(op, id, errNoKeyID)
	}
	blob, err := ask(awskms.ContextOf(id, typ))
	if err == nil {
		err = r.change(ctx, func(c *content) (*content, error) { return c.with(entry{id, typ, blob}) })
	}
	return fault(op, id, err)
}

// Remove takes the key out of the file.
func (r *Keyring) Remove(ctx context.Context, id keyring.ID) error {
	return fault("remove", id, r.change(ctx, func(c *content) (*content, error) { return c.without(id) }))
}

// List returns all IDs in the order of the file.
func (r *Keyring) List(ctx context.Context) ([]keyring.ID, error) {
	if err := r.begin(ctx); err != nil {
		return nil, fault("list", keyring.ID{}, err)
	}
	r.refresh()
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.maybe != nil {
		return nil, fault("list", keyring.ID{}, r.unsure())
	}
	return slices.Clone(r.now.order), nil
}

// Reload reads the file again, and takes it as it is.
func (r *Keyring) Reload(ctx context.Context) error {
	end, err := r.take(ctx)
	if err != nil {
		return fault("reload", keyring.ID{}, err)
	}
	defer end()
	c, stamp, err := r.read()
	if err == nil && c == nil {
		err = &fs.PathError{Op: "open", Path: r.o.DataFile, Err: fs.ErrNotExist}
	}
	if err == nil {
		r.adopt(c, stamp)
	}
	return fault("reload", keyring.ID{}, err)
}

// Close ends what AWS KMS is still asked. There is nothing to wipe.
func (r *Keyring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.client.Close()
}
