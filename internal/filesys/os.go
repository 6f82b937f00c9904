package filesys

import (
	"io/fs"
	"os"
	"path/filepath"
)

// OS is the file system of the operating system.
type OS struct{}

var _ FS = OS{} // compiler check

// Or returns f, or the operating system's file system if f is nil.
func Or(f FS) FS {
	if f == nil {
		return OS{}
	}
	return f
}

// OpenFile opens a file.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // and no typed nil
	}
	return f, nil
}

// Stat follows symbolic links.
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// Rename replaces an existing file.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file or an empty directory.
func (OS) Remove(name string) error { return os.Remove(name) }

// Mkdir makes one directory.
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// EvalSymlinks resolves all symbolic links.
func (OS) EvalSymlinks(name string) (string, error) { return filepath.EvalSymlinks(name) }
