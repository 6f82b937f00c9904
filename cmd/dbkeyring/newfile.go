package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// newFile is a file that comes about whole or not at all: it has its name only
// once it is complete and on the disk.
type newFile struct {
	*os.File
	path  string
	force bool
	kept  bool
}

// createNew begins a file, for its owner only. Without force one that is there stays.
func createNew(path string, force bool) (*newFile, error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return nil, errThere(path)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &failed{err: fmt.Errorf("--out %s: it is no file", path), code: exitUsage}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // mode 600
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", path, err)
	}
	return &newFile{File: f, path: path, force: force}, nil
}

func errThere(path string) error {
	return &failed{err: fmt.Errorf("--out %s: there is such a file already", path), hint: "choose another name, or replace it with --force"}
}

// Write names the file in its errors, and not the passing one.
func (f *newFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err != nil {
		err = fmt.Errorf("--out %s: %w. Nothing was left there", f.path, reason(err))
	}
	return n, err
}

func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// keep gives the file its name.
func (f *newFile) keep() error {
	err := f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		if f.force {
			err = os.Rename(f.Name(), f.path)
		} else {
			err = renameNew(f.Name(), f.path)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return errThere(f.path) // it came meanwhile
	}
	if err != nil {
		return fmt.Errorf("--out %s: %w. Nothing was left there", f.path, reason(err))
	}
	f.kept = true
	return filesys.SyncDir(filesys.OS{}, filepath.Dir(f.path))
}

// renameNew renames and never replaces. A few file systems cannot do that at once.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// drop removes a file that was not kept.
func (f *newFile) drop() {
	if !f.kept {
		f.Close()
		_ = os.Remove(f.Name())
	}
}
