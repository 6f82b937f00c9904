// Package filesys is the part of a file system that keyring files need, as an
// interface, so that tests can have any operation fail, or cut the power there
// (package faultfs).
package filesys

import (
	"io"
	"io/fs"
	"os"
)

// FS is a file system. Names are those of the operating system.
type FS interface {
	// OpenFile is os.OpenFile; with os.O_RDONLY it also opens a directory, to sync it.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Stat(name string) (fs.FileInfo, error)
	Rename(from, to string) error
	Remove(name string) error
	Mkdir(name string, perm fs.FileMode) error
	EvalSymlinks(name string) (string, error)
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
	// Fd is for locks.
	Fd() uintptr
}

var _ File = (*os.File)(nil) // compiler check
