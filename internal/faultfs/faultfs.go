package faultfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// ErrPowerCut is what every operation returns after the cut.
var ErrPowerCut = errors.New("the power was cut")

// FS is the real file system with faults. Each method of it, and of its files, that
// touches the disk is one operation. It is for many goroutines at once; the
// operations then stand in line.
type FS struct {
	mu     sync.Mutex
	real   filesys.OS
	count  int
	at     int // the operation that the fault is planned for; 0: none
	fault  error
	hit    string // what the operation at was
	life   int    // how often the power came back
	off    bool
	reckon journal
}

var _ filesys.FS = (*FS)(nil) // compiler check

// New returns a file system without faults.
func New() *FS { return &FS{reckon: newJournal()} }

// FailAt has the n-th operation from now on fail with err, and only that one. It is
// not carried out, but for a Write, which writes half, and a Close.
func (f *FS) FailAt(n int, err error) { f.plan(n, err) }

// CutAt has the power fail in the n-th operation from now on: that one and all that
// follow fail with ErrPowerCut, until Restart. A Write writes half before.
func (f *FS) CutAt(n int) { f.plan(n, ErrPowerCut) }

func (f *FS) plan(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.at, f.fault, f.hit = 0, n, err, ""
}

// Operations counts the operations since the last FailAt, CutAt or New.
func (f *FS) Operations() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Hit says whether the planned fault has come about.
func (f *FS) Hit() bool { return f.Where() != "" }

// Where says which operation the fault has hit, such as "sync .f.tmp"; "" if none.
func (f *FS) Where() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit
}

// step counts an operation and says how it fails. The caller holds the lock.
func (f *FS) step(life int, what, name string) error {
	if f.off || life != f.life {
		return &fs.PathError{Op: what, Path: name, Err: ErrPowerCut}
	}
	f.count++
	if f.count != f.at {
		return nil
	}
	f.hit = fmt.Sprintf("%s %s", what, filepath.Base(name))
	f.off = errors.Is(f.fault, ErrPowerCut)
	return &fs.PathError{Op: what, Path: name, Err: f.fault}
}

// OpenFile opens a file or a directory.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (filesys.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "open", name); err != nil {
		return nil, err
	}
	f.reckon.know(name)
	_, absent := os.Lstat(name)
	opened, err := f.real.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	if absent != nil {
		f.reckon.created(name)
	}
	return &file{fsys: f, life: f.life, real: opened}, nil
}

// Stat follows symbolic links.
func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "stat", name); err != nil {
		return nil, err
	}
	return f.real.Stat(name)
}

// Rename replaces an existing file.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "rename to", to); err != nil {
		return err
	}
	f.reckon.know(from)
	f.reckon.know(to)
	return f.real.Rename(from, to)
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "remove", name); err != nil {
		return err
	}
	f.reckon.know(name)
	return f.real.Remove(name)
}

// Mkdir makes one directory.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "mkdir", name); err != nil {
		return err
	}
	f.reckon.know(name)
	err := f.real.Mkdir(name, perm)
	if err == nil {
		f.reckon.created(name)
	}
	return err
}

// EvalSymlinks resolves all symbolic links.
func (f *FS) EvalSymlinks(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.step(f.life, "resolve", name); err != nil {
		return "", err
	}
	return f.real.EvalSymlinks(name)
}
