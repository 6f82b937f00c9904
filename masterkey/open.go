package masterkey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	// FolderName is the folder of the key store in a database's directory.
	FolderName = "dbkeyring"
	// DataFile is the file that a database with data has.
	DataFile = "WiredTiger.wt"
)

// Options say which store, and which master key it is to have.
type Options struct {
	Dir      string   // the key store's folder: FolderName in storage.dbPath
	Provider Provider // of the master key, as it is configured
	// KeyIdentifier is the master key that is wanted (security.kmip.keyIdentifier); ""
	// leaves it to the store, and to the Provider.
	KeyIdentifier string
	// Activate has new master keys activated, and wants those in use to be Active
	// (security.kmip.activateKeys).
	Activate bool
	// New: the database has no data yet, so that a store may be made.
	New bool

	Log *slog.Logger // nil logs nothing
	FS  filesys.FS   // nil is the operating system's
}

// NewDatabase says whether the folder of a database (storage.dbPath) has no data yet. Where
// that cannot be told it is an error: a key store is never made beside data.
func NewDatabase(dbPath string) (bool, error) {
	info, err := os.Stat(filepath.Join(dbPath, DataFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, keyring.E("look at the database", keyring.ID{}, keyring.ErrInvalid, err)
	}
	return info.Size() == 0, nil
}

// opening is a call of Open or Rotate.
type opening struct {
	Options
	file
}

func (o Options) begin() *opening {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &opening{o, file{filesys.Or(o.FS), o.Dir}}
}

// Open opens the key store of a database, and makes it, with a master key, for a new
// one. It follows the table of Percona Server for MongoDB: which key is read, which
// combination of what is stored and what is configured is refused.
//
// The store stays locked for other processes until it is closed.
func Open(ctx context.Context, options Options) (*Store, error) {
	o := options.begin()
	const op = "open the key store"
	unlock, err := o.lock()
	if err != nil {
		return nil, wrap(op, err)
	}
	s, err := o.open(ctx)
	if err != nil {
		unlock()
		return nil, wrap(op, err)
	}
	s.unlock = unlock
	return s, nil
}

func (o *opening) open(ctx context.Context) (*Store, error) {
	c, err := o.read()
	switch {
	case err != nil:
		return nil, err
	case c == nil && !o.New:
		return nil, &DamagedError{o.path(), errors.New("it is not there, and the database has data. One that was not encrypted from its beginning cannot be")}
	case c == nil, c.Master == nil:
		if !o.New {
			return nil, &DamagedError{o.path(), errors.New("it has no master key, and the database has data")}
		}
		return o.first(ctx, c)
	}
	ref, err := o.decide(c)
	if err != nil {
		return nil, err
	}
	if o.Activate {
		if err := o.mustBeActive(ctx, ref); err != nil {
			return nil, err
		}
	}
	key, got, err := o.Provider.Read(ctx, ref)
	if err != nil {
		return nil, absent(err, ref)
	}
	defer key.Wipe()
	s, err := o.unlocked(c, key)
	if err != nil {
		return nil, err
	}
	got.Check = CheckValue(key)
	o.Log.Info("the master key has been read", "provider", got.Provider, "key", got.ID, "server", got.Server)
	if c.Pending != nil {
		o.Log.Warn("a rotation of the master key was interrupted, and the key store is as it was before; start once with rotateMasterKey to finish it", "key", c.Pending.key())
	}
	if other := got.Provider != c.Master.Provider || got.ID != c.Master.ID; other || got.Server != c.Master.Server {
		next := c.clone()
		next.Master = &got
		if err := s.commit(next); err != nil && other {
			s.keys.wipe()
			return nil, err
		}
	}
	return s, nil
}

// unlocked makes a store of a content and its master key.
func (o *opening) unlocked(c *content, key *secret.Bytes) (*Store, error) {
	if check := CheckValue(key); check != c.Master.Check {
		return nil, keyring.E("", keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("the master key is another one (check value %s) than that of the key store %s (%s, %s). "+
			"Configure the right key, or restore the key store that belongs to the database", check, o.path(), c.Master, c.Master.Check))
	}
	k, err := deriveKeys(key, c.Store)
	if err != nil {
		return nil, err
	}
	if err := k.verify(c); err != nil {
		k.wipe()
		return nil, &DamagedError{o.path(), err}
	}
	return &Store{file: o.file, log: o.Log, now: c, keys: k, unlock: func() {}}, nil
}

// lock keeps other processes of ours from the store.
func (o *opening) lock() (unlock func(), err error) {
	if err := o.makeFolder(); err != nil {
		return nil, err
	}
	d, err := o.fs.OpenFile(o.Dir, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, keyring.E("", keyring.ID{}, keyring.ErrInvalid, fmt.Errorf("another process uses %s: the database is running. Stop it first", o.Dir))
		}
		return nil, fmt.Errorf("%s: %w", o.Dir, err)
	}
	return func() { d.Close() }, nil
}

// mustBeActive refuses a key in another state.
func (o *opening) mustBeActive(ctx context.Context, r Ref) error {
	state, err := o.Provider.State(ctx, r)
	switch {
	case err != nil:
		return absent(err, r)
	case state == Active:
		return nil
	case state == PreActive:
		return keyring.E("", keyring.ID{}, keyring.ErrInactive, fmt.Errorf("the master key %s is Pre-Active, and has to be Active. "+
			"Start once with rotateMasterKey (security.kmip.rotateMasterKey: true), which makes a new key and exits; or activate it on the key server; or set activateKeys to false", r))
	}
	return keyring.E("", keyring.ID{}, keyring.ErrInactive, fmt.Errorf("the master key %s is not Active but %s. "+
		"If it was revoked on purpose, start once with rotateMasterKey (security.kmip.rotateMasterKey: true), which makes a new key and exits", r, state))
}

// absent explains that a key is not there.
func absent(err error, r Ref) error {
	if !errors.Is(err, keyring.ErrNotFound) {
		return err
	}
	return keyring.E("", keyring.ID{}, keyring.ErrNotFound, fmt.Errorf("the master key %s is absent on its keeper (%w). Check the configuration; if the key was destroyed, the data cannot be read any more", r, err))
}

// wrap gives an error the kind that it lacks.
func wrap(op string, err error) error {
	var damaged *DamagedError
	var inner *keyring.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &damaged):
		return keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, err)
	case errors.As(err, &inner) && inner.Op == "": // one of ours, which says nothing of the operation
		return keyring.E(op, keyring.ID{}, inner.Kind, inner.Err)
	case errors.As(err, new(*keyring.Error)):
		return keyring.E(op, keyring.ID{}, keyring.KindOf(err), err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, err)
	}
	return keyring.E(op, keyring.ID{}, keyring.ErrInvalid, err)
}

// String is for people.
func (r Ref) String() string {
	switch {
	case r.Provider == KeyFile:
		return "of the key file"
	case r.ID == "":
		return "(" + r.Provider + ")"
	}
	return "'" + r.ID + "' (" + r.Provider + ")"
}
