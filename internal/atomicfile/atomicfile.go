// Package atomicfile writes files so that a reader, or a crash at any moment,
// finds either the whole old content or the whole new one.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// WriteFile puts data into the file path with exactly the permissions perm,
// whatever the umask. It returns when the content and the name are on disk.
//
// On an error the old file, or its absence, is as it was and nothing is left
// behind. One exception: when only the last step fails, the fsync of the
// directory, the new content is in place and may not survive a power cut.
//
// Run as root, it gives the file to the owner of its directory, since a
// database that is started as root must read and rewrite its files after
// setuid; where root owns the directory, an existing file keeps its owner. A
// symbolic link stays one: its target is written.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	if err := write(path, data, perm); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func write(path string, data []byte, perm fs.FileMode) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if f != nil {
			err = errors.Join(err, ignoreClosed(f.Close()), os.Remove(f.Name()))
		}
	}()
	if os.Geteuid() == 0 {
		uid, gid, err := ownerFor(path, dir)
		if err != nil {
			return err
		}
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	if err := f.Chmod(perm); err != nil { // after Chown, which clears set-id bits
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	f = nil // in place: nothing to clean up
	return syncDir(dir)
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// ownerFor says whose the new file shall be.
func ownerFor(path, dir string) (uid, gid int, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, 0, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 {
		if old, err := os.Stat(path); err == nil {
			owner = old.Sys().(*syscall.Stat_t)
		}
	}
	return int(owner.Uid), int(owner.Gid), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
