package faultfs

import (
	"io/fs"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// file is an open file. After a power cut it stays dead.
type file struct {
	fsys *FS
	life int // of the file system when the file was opened
	real filesys.File
}

var _ filesys.File = (*file)(nil) // compiler check

// do carries out an operation, or fails as planned.
func (f *file) do(what string, fn func() error) error {
	f.fsys.mu.Lock()
	defer f.fsys.mu.Unlock()
	if err := f.fsys.step(f.life, what, f.real.Name()); err != nil {
		return err
	}
	return fn()
}

// Read reads on from where the last one ended.
func (f *file) Read(p []byte) (n int, err error) {
	err = f.do("read", func() (err error) {
		n, err = f.real.Read(p)
		return err
	})
	return n, err
}

// Write writes half of p where a fault is planned.
func (f *file) Write(p []byte) (n int, err error) {
	f.fsys.mu.Lock()
	defer f.fsys.mu.Unlock()
	wasOff := f.fsys.off || f.life != f.fsys.life
	if err := f.fsys.step(f.life, "write", f.real.Name()); err != nil {
		if !wasOff {
			n, _ = f.real.Write(p[:len(p)/2])
		}
		return n, err
	}
	return f.real.Write(p)
}

// Stat describes the file.
func (f *file) Stat() (info fs.FileInfo, err error) {
	err = f.do("stat", func() (err error) {
		info, err = f.real.Stat()
		return err
	})
	return info, err
}

// Sync makes a file's content durable, or the names in a directory. One that fails
// has made nothing durable.
func (f *file) Sync() error {
	return f.do("sync", func() error {
		if err := f.real.Sync(); err != nil {
			return err
		}
		f.fsys.reckon.synced(f.real)
		return nil
	})
}

// Chmod sets the permissions.
func (f *file) Chmod(mode fs.FileMode) error {
	return f.do("chmod", func() error { return f.real.Chmod(mode) })
}

// Chown sets the owner.
func (f *file) Chown(uid, gid int) error {
	return f.do("chown", func() error { return f.real.Chown(uid, gid) })
}

// Close always closes, and with that gives up locks.
func (f *file) Close() error {
	var closed error
	err := f.do("close", func() error { return nil })
	closed = f.real.Close()
	if err != nil {
		return err
	}
	return closed
}

// Name is the one that the file was opened by.
func (f *file) Name() string { return f.real.Name() }

// Fd is for locks.
func (f *file) Fd() uintptr { return f.real.Fd() }
