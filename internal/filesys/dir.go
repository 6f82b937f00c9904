package filesys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SyncDir returns when the names in a directory are on disk.
func SyncDir(f FS, dir string) error {
	d, err := f.OpenFile(dir, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// LockDir keeps other processes of ours, and other callers in this one, from writing
// in the directory of the file path, until unlock is called. It waits for as long as
// ctx lasts. A database's own components know no such lock.
func LockDir(ctx context.Context, f FS, path string) (unlock func(), err error) {
	d, err := f.OpenFile(filepath.Dir(path), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { d.Close() }, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			d.Close()
			return nil, fmt.Errorf("lock the folder of %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			d.Close()
			return nil, fmt.Errorf("another process writes in the folder of %s: %w", path, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
