// Package bolt keeps the key server's data in one bbolt file, for one process.
//
// One goroutine writes. It takes all Updates that wait, applies each that
// succeeds, and brings them to the disk with one commit: as many clients as there
// are share an fsync, and a single one never waits for company (bbolt's own Batch
// delays it by 10 ms). The list of free pages is written with each: to find them
// would take a start a second for each million of values.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/internal/queue"
)

// ErrLocked: another process has the store open.
var ErrLocked = errors.New("another process has it open")

const (
	// lockWait is how long Open waits for a process that is just ending.
	lockWait = time.Second
	// firstMapping is how much address space the file gets at once. Up to this
	// size no write has to wait for readers so that the file can be mapped anew.
	firstMapping = 1 << 28
)

// Store is an open store.
type Store struct {
	db      *bbolt.DB
	updates *queue.Queue
}

// Open opens the store at path and makes it if need be, readable by its owner
// only. An error that is ErrLocked means that another process has it open.
func Open(path string) (*Store, error) {
	db, err := openDB(path)
	if err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(fmt.Errorf("open the key store: %w", err), db.Close())
	}
	s := &Store{db: db}
	s.updates = queue.New(s.commit)
	return s, nil
}

// openDB turns what bbolt says into sentences. bbolt panics on some damaged files.
func openDB(path string) (db *bbolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the key store %s is damaged: %v. Restore it from a backup", path, p)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: firstMapping,
	})
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("the key store %s: %w. Stop that process first, or use another data directory", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("the key store %s is damaged, or no key store: %w. Restore it from a backup", path, err)
	}
	if _, ok := errors.AsType[*fs.PathError](err); !ok { // such as a file that was cut short
		return nil, fmt.Errorf("the key store %s is damaged: %w. Restore it from a backup", path, err)
	}
	return nil, fmt.Errorf("open the key store: %w", err)
}

// syncDir makes the file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// View implements [store.Store].
func (s *Store) View(fn func(store.Reader) error) error {
	return closedError(s.db.View(func(tx *bbolt.Tx) error { return fn(reader{tx}) }))
}

// Update implements [store.Store]. After an error of the disk the change may or
// may not have been made; the store stays usable.
func (s *Store) Update(ctx context.Context, fn func(store.Writer) error) error {
	return s.updates.Do(ctx, fn)
}

// Close implements [store.Store]. Updates that wait are still carried out.
func (s *Store) Close() error {
	if !s.updates.Close() {
		return nil
	}
	return s.db.Close()
}

func closedError(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// reader is a bbolt transaction as a [store.Reader].
type reader struct{ tx *bbolt.Tx }

// Get implements [store.Reader].
func (r reader) Get(b store.Bucket, key string) ([]byte, bool, error) {
	bucket := r.tx.Bucket([]byte(b))
	if bucket == nil {
		return nil, false, nil
	}
	value := bucket.Get([]byte(key))
	return value, value != nil, nil
}

// Range implements [store.Reader].
func (r reader) Range(b store.Bucket, prefix string, fn func(string, []byte) error) error {
	bucket := r.tx.Bucket([]byte(b))
	if bucket == nil {
		return nil
	}
	cursor := bucket.Cursor()
	for k, v := cursor.Seek([]byte(prefix)); k != nil; k, v = cursor.Next() {
		key := string(k)
		if !strings.HasPrefix(key, prefix) {
			return nil
		}
		if err := fn(key, v); err != nil {
			return err
		}
	}
	return nil
}

// Buckets implements [store.Reader].
func (r reader) Buckets() (all []store.Bucket, err error) {
	err = r.tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
		all = append(all, store.Bucket(name))
		return nil
	})
	return all, err
}
