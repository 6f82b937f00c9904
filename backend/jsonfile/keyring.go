// Package jsonfile keeps keys in the JSON data file of MySQL's
// component_keyring_file, so that keys can be taken out of such a file and
// brought back into one. The keys in it are not encrypted.
//
// What is written is what the component would have written, to the byte, but the
// file is replaced as a whole instead of being overwritten, so that no crash can
// damage it. The component's own protection, a copy named FILE.backup that counts
// while it is there, is understood and cleared away.
//
// A mysqld that runs with component_keyring_file keeps all keys in memory, knows
// no lock, and writes its file anew at each change. Whoever writes the file
// beside it loses one side's changes: stop the server first.
package jsonfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Options say which file, and what may be done with it.
type Options struct {
	// Path is the data file. One that does not exist is an empty keyring, and is
	// made by the first key.
	Path string
	// ReadOnly changes nothing, not even a backup that has to be restored: its
	// content is taken and it stays where it is. The file must exist.
	ReadOnly bool

	// FS is for tests that inject faults; nil is the operating system's.
	FS filesys.FS
}

// Keyring is the back end. Open makes one.
type Keyring struct {
	o    Options
	file keyringfile.File
	log  *slog.Logger

	mu     sync.Mutex // guards what follows, and the file within this process
	read   *keyringfile.Document
	stamps keyringfile.Stamps // of what was read
	closed bool
}

var _ keyring.Keyring = (*Keyring)(nil) // compiler check

// lockTimeout is how long another process of ours may take to write.
const lockTimeout = 5 * time.Second

var errClosed = errors.New("the keyring is closed")

// Open reads the file. A file that cannot be what was written is ErrCorrupt, and
// the error names the place. A nil log logs nothing.
func Open(ctx context.Context, o Options, log *slog.Logger) (*Keyring, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Keyring{
		o: o, log: log,
		file: keyringfile.File{FS: filesys.Or(o.FS), Path: o.Path},
		read: keyringfile.NewDocument(),
	}
	if err := ctx.Err(); err != nil {
		return nil, fault("open", keyring.ID{}, err)
	}
	s, err := r.file.Stamps()
	if err != nil {
		return nil, fault("open", keyring.ID{}, err)
	}
	if o.ReadOnly && s == (keyringfile.Stamps{}) {
		return nil, fault("open", keyring.ID{}, &fs.PathError{Op: "open", Path: o.Path, Err: fs.ErrNotExist})
	}
	if err := r.load(s); err != nil {
		return nil, fault("open", keyring.ID{}, err)
	}
	return r, nil
}

// load reads the file if it is another one than was read.
func (r *Keyring) load(now keyringfile.Stamps) error {
	if r.stamps == now {
		return nil
	}
	texts, err := r.file.Read()
	if err != nil {
		return err
	}
	defer texts.Wipe()
	c, err := texts.Decode(decode)
	if err != nil {
		return err
	}
	r.read.Wipe()
	r.read, r.stamps = c.Document, texts.Stamps
	c.Log(r.log, r.file)
	return nil
}

// current reads the file again if another process has changed it.
func (r *Keyring) current(ctx context.Context) error {
	if r.closed {
		return errClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s, err := r.file.Stamps()
	if err != nil {
		return err
	}
	return r.load(s)
}

// change has fn change the document, and writes it. If that fails, the keyring
// is as before.
func (r *Keyring) change(ctx context.Context, fn func(*keyringfile.Document) (undo func(), err error)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed
	}
	if r.o.ReadOnly {
		return keyring.ErrReadOnly
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := filesys.LockDir(ctx, r.file.FS, r.o.Path)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.current(ctx); err != nil {
		return err
	}
	undo, err := fn(r.read)
	if err != nil {
		return err
	}
	s, err := r.write()
	if err != nil {
		undo()
		r.stamps = keyringfile.Unknown
		return err
	}
	r.stamps = s
	return nil
}

func (r *Keyring) write() (keyringfile.Stamps, error) {
	text := format().Encode(r.read)
	defer text.Wipe()
	if err := r.file.Write(text.Reveal(), r.stamps); err != nil {
		return r.stamps, err
	}
	return r.file.Stamps()
}

// Fetch returns the key.
func (r *Keyring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.current(ctx); err != nil {
		return keyring.Key{}, fault("fetch", id, err)
	}
	e := r.read.Find(id)
	if e == nil {
		return keyring.Key{}, keyring.E("fetch", id, keyring.ErrNotFound, nil)
	}
	return keyring.Key{Type: e.Type, Data: bytesOf(e).Clone()}, nil
}

// Check says why Store would refuse such a key, if it would.
func (r *Keyring) Check(id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E("store", id, keyring.ErrInvalid, err)
	}
	return nil
}

// Store adds the key to the file.
func (r *Keyring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	return r.StoreAll(ctx, []keyring.ID{id}, []keyring.Key{k})
}

// StoreAll adds all keys and writes the file once. If one cannot be added, none
// is; the errors are those of Store. The keys stay the caller's.
func (r *Keyring) StoreAll(ctx context.Context, ids []keyring.ID, keys []keyring.Key) error {
	return r.add(ctx, "store", ids, keys)
}

// Generate makes a random key.
func (r *Keyring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	if err := check(id, typ, size); err != nil {
		return keyring.E("generate", id, keyring.ErrInvalid, err)
	}
	k := keyring.Key{Type: typ, Data: secret.Random(size)}
	defer k.Wipe()
	return r.add(ctx, "generate", []keyring.ID{id}, []keyring.Key{k})
}

func (r *Keyring) add(ctx context.Context, op string, ids []keyring.ID, keys []keyring.Key) error {
	for i, id := range ids {
		if err := check(id, keys[i].Type, keys[i].Data.Len()); err != nil {
			return keyring.E(op, id, keyring.ErrInvalid, err)
		}
	}
	var at keyring.ID // which key an error is about
	err := r.change(ctx, func(d *keyringfile.Document) (func(), error) {
		before := len(d.Elements)
		undo := func() {
			for _, e := range d.Elements[before:] {
				e.Value.Wipe()
			}
			d.Cut(before)
		}
		for i, id := range ids {
			if d.Find(id) != nil {
				undo()
				at = id
				return nil, keyring.ErrExists
			}
			d.Add(keyringfile.NewElement(id, keys[i].Type, plain{keys[i].Data.Clone()}))
		}
		return undo, nil
	})
	if len(ids) == 1 {
		at = ids[0]
	}
	return fault(op, at, err)
}

// Remove takes the key out of the file.
func (r *Keyring) Remove(ctx context.Context, id keyring.ID) error {
	var gone *keyringfile.Element
	err := r.change(ctx, func(d *keyringfile.Document) (func(), error) {
		e := d.Find(id)
		if e == nil {
			return nil, keyring.ErrNotFound
		}
		r.read, gone = d.Without(id), e
		return func() { r.read, gone = d, nil }, nil
	})
	if gone != nil {
		gone.Value.Wipe()
	}
	return fault("remove", id, err)
}

// List returns all IDs in the order of the file.
func (r *Keyring) List(ctx context.Context) ([]keyring.ID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.current(ctx); err != nil {
		return nil, fault("list", keyring.ID{}, err)
	}
	ids := make([]keyring.ID, len(r.read.Elements))
	for i, e := range r.read.Elements {
		ids[i] = e.ID
	}
	return ids, nil
}

// Close wipes all keys.
func (r *Keyring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read.Wipe()
	r.read = keyringfile.NewDocument()
	r.closed = true
	return nil
}

// fault makes the error of an operation out of whatever went wrong.
func fault(op string, id keyring.ID, err error) error {
	if errors.Is(err, errEncrypted) {
		return keyring.E(op, id, keyring.ErrCorrupt, fmt.Errorf("this keyring file is another component's (component_keyring_kms, component_keyring_aws): %w", err))
	}
	return keyringfile.Fault(op, id, err)
}
