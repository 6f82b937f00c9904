// Package atomicfile writes files so that a reader, or a crash at any moment,
// finds either the whole old content or the whole new one.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
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
	return Write(filesys.OS{}, path, data, perm)
}

// Write is WriteFile on any file system.
func Write(fsys filesys.FS, path string, data []byte, perm fs.FileMode) error {
	if err := write(fsys, path, data, perm); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func write(fsys filesys.FS, path string, data []byte, perm fs.FileMode) (err error) {
	if target, err := fsys.EvalSymlinks(path); err == nil {
		path = target
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err // or a link would be replaced by a file
	}
	dir := filepath.Dir(path)
	f, err := create(fsys, path)
	if err != nil {
		return err
	}
	defer func() {
		if f != nil {
			err = errors.Join(err, ignoreClosed(f.Close()), fsys.Remove(f.Name()))
		}
	}()
	if os.Geteuid() == 0 {
		uid, gid, err := ownerFor(fsys, path, dir)
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
	if err := fsys.Rename(f.Name(), path); err != nil {
		return err
	}
	f = nil // in place: nothing to clean up
	return filesys.SyncDir(fsys, dir)
}

// create makes a new file beside path, under a name that nobody has.
func create(fsys filesys.FS, path string) (filesys.File, error) {
	const flags, tries = os.O_RDWR | os.O_CREATE | os.O_EXCL, 1000
	for try := 1; ; try++ {
		suffix := "." + strconv.FormatUint(rand.Uint64(), 36) + ".tmp"
		f, err := fsys.OpenFile(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+suffix), flags, 0o600)
		if err == nil || !errors.Is(err, fs.ErrExist) || try == tries {
			return f, err
		}
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// ownerFor says whose the new file shall be.
func ownerFor(fsys filesys.FS, path, dir string) (uid, gid int, err error) {
	info, err := fsys.Stat(dir)
	if err != nil {
		return 0, 0, err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 {
		old, err := fsys.Stat(path)
		switch {
		case err == nil:
			owner = old.Sys().(*syscall.Stat_t)
		case !errors.Is(err, fs.ErrNotExist):
			return 0, 0, err
		}
	}
	return int(owner.Uid), int(owner.Gid), nil
}
