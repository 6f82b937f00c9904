package kmsfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// defaultStartTimeout is that of Options.StartTimeout.
const defaultStartTimeout = 30 * time.Second

// Keyring is the back end. Open makes one.
type Keyring struct {
	o      Options
	log    *slog.Logger
	file   keyringfile.File
	client *awskms.Client
	arns   map[string]string // of the KMS keys, as far as they are known; fixed after Open
	calls  calls

	// writing holds a token while the file is read or written.
	writing chan struct{}

	mu     sync.RWMutex // guards what follows; it is never held while anyone is asked
	now    *state
	unsure *state // what a write that failed may have left in the file; nil if that is known
	closed bool
}

var ( // compiler checks
	_ keyring.Keyring        = (*Keyring)(nil)
	_ keyring.Checker        = (*Keyring)(nil)
	_ keyring.Reloader       = (*Keyring)(nil)
	_ keyring.StatusReporter = (*Keyring)(nil)
	_ keyring.Rewrapper      = (*Keyring)(nil)
)

// Open reads the file and decrypts all keys. A file that cannot be what was written is
// ErrCorrupt, and the error names the place. A nil log logs nothing.
func Open(ctx context.Context, o Options, log *slog.Logger) (*Keyring, error) {
	r, err := open(ctx, o, log)
	if err != nil {
		return nil, fault("open", keyring.ID{}, err)
	}
	return r, nil
}

func open(ctx context.Context, o Options, log *slog.Logger) (*Keyring, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := complete(&o); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, o.StartTimeout)
	defer cancel()
	client, err := awskms.New(ctx, o.AWS)
	if err != nil {
		return nil, err
	}
	r := &Keyring{
		o: o, log: log, client: client,
		file:    keyringfile.File{FS: filesys.Or(o.FS), Path: o.Path},
		arns:    map[string]string{},
		writing: make(chan struct{}, 1),
		now:     newState(o.Format),
	}
	if err := r.start(ctx); err != nil {
		r.Close()
		if ctx.Err() != nil && outer.Err() == nil {
			err = fmt.Errorf("the keys were not read within %v: %w", o.StartTimeout, err)
		}
		return nil, err
	}
	return r, nil
}

// complete checks the options and fills in defaults.
func complete(o *Options) error {
	if o.Format == "" {
		o.Format = FormatPercona
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = defaultStartTimeout
	}
	switch {
	case o.Path == "":
		return invalid("no keyring file is named")
	case o.Format != FormatPercona && o.Format != FormatDBKeyring:
		return invalid("there is no format %q of keyring files: %q and %q are known", o.Format, FormatPercona, FormatDBKeyring)
	case len(o.Keys) == 0:
		return invalid("no KMS key is named")
	}
	for i, key := range o.Keys {
		if slices.Contains(o.Keys[:i], key) {
			return invalid("the KMS key %s is named twice", key)
		}
	}
	if o.Format == FormatDBKeyring {
		return nil
	}
	// A blob in Percona's format says nothing of its KMS key, nor of the region.
	_, region, err := awskms.ParseKeyID(o.Keys[0])
	switch {
	case err != nil:
		return invalid("%v", err)
	case region != "" && o.AWS.Region == "":
		o.AWS.Region = region
	case region != "" && o.AWS.Region != region:
		return invalid("the KMS key %s is in another region than %s, and keys encrypted under it could not be decrypted. Name the key's region", o.Keys[0], o.AWS.Region)
	}
	return nil
}

func (r *Keyring) start(ctx context.Context) error {
	l, err := r.read(ctx, false)
	if err != nil {
		return err
	}
	if r.o.ReadOnly && l.stamps == (keyringfile.Stamps{}) {
		return &fs.PathError{Op: "open", Path: r.o.Path, Err: fs.ErrNotExist}
	}
	if err := r.checkKeys(ctx); err != nil {
		return err
	}
	s, err := r.load(ctx, l, r.now)
	if err != nil {
		return err
	}
	r.report(l)
	r.now = s
	return nil
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

// Fetch returns the key, from memory.
func (r *Keyring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	if err := r.begin(ctx); err != nil {
		return keyring.Key{}, fault("fetch", id, err)
	}
	unsure := r.settleToRead()
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.now.doc.Find(id)
	switch {
	case r.closed:
		return keyring.Key{}, fault("fetch", id, errClosed)
	case r.unsure != nil && (e == nil) != (r.unsure.doc.Find(id) == nil):
		return keyring.Key{}, fault("fetch", id, unsure)
	case e == nil:
		return keyring.Key{}, keyring.E("fetch", id, keyring.ErrNotFound, nil)
	}
	return keyring.Key{Type: e.Type, Data: r.now.plain[id].Clone()}, nil
}

// List returns all IDs in the order of the file.
func (r *Keyring) List(ctx context.Context) ([]keyring.ID, error) {
	if err := r.begin(ctx); err != nil {
		return nil, fault("list", keyring.ID{}, err)
	}
	unsure := r.settleToRead()
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case r.closed:
		return nil, fault("list", keyring.ID{}, errClosed)
	case r.unsure != nil:
		return nil, fault("list", keyring.ID{}, unsure)
	}
	ids := make([]keyring.ID, len(r.now.doc.Elements))
	for i, e := range r.now.doc.Elements {
		ids[i] = e.ID
	}
	return ids, nil
}

// Check says why Store would refuse such a key, if it would.
func (r *Keyring) Check(id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E("store", id, keyring.ErrInvalid, err)
	}
	return nil
}

// Reload reads the file again and takes it as it is.
func (r *Keyring) Reload(ctx context.Context) error {
	return fault("reload", keyring.ID{}, r.reload(ctx))
}

func (r *Keyring) reload(ctx context.Context) error {
	end, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer end()
	l, err := r.read(ctx, false)
	if err != nil {
		return err
	}
	if r.o.ReadOnly && l.stamps == (keyringfile.Stamps{}) {
		return &fs.PathError{Op: "open", Path: r.o.Path, Err: fs.ErrNotExist}
	}
	s, err := r.load(ctx, l, r.now)
	if err != nil {
		return err
	}
	r.report(l)
	r.adopt(s)
	return nil
}

// take has the file for this call alone, within this keyring.
func (r *Keyring) take(ctx context.Context) (end func(), err error) {
	select {
	case r.writing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	end = func() { <-r.writing }
	if err := r.begin(ctx); err != nil {
		end()
		return nil, err
	}
	return end, nil
}

// adopt makes a state the present one, and wipes what only the old ones had. The
// caller has the file.
func (r *Keyring) adopt(s *state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, unsure := r.now, r.unsure
	r.now, r.unsure = s, nil
	if old != s {
		old.wipe(s)
	}
	if unsure != nil && unsure != s {
		unsure.wipe(s)
	}
}

// Close wipes all keys.
func (r *Keyring) Close() error {
	err := r.client.Close() // ends what is still asked
	r.writing <- struct{}{}
	defer func() { <-r.writing }()
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		return nil
	}
	r.adopt(newState(r.o.Format))
	return errors.Join(err)
}
