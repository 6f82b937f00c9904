// Package notes keeps what a long task has done, so that one that was interrupted goes
// on where it was: a file beside that of the task, with a line for each thing done.
// What a line says is the task's business. Nothing may depend on the notes, of which
// the last lines may be missing or cut off.
package notes

import (
	"os"
	"sync"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

// syncEvery is after how many lines the notes are made durable.
const syncEvery = 64

// File is notes that are added to: what was done, by name.
type File[V any] struct {
	fsys filesys.FS
	path string

	mu    sync.Mutex
	done  map[string]V
	f     filesys.File
	lines int // since the last sync
}

// Open has read take what the file says, if there is one, and return what was done and
// the text that the file begins anew with; with nil it goes on as it is.
func Open[V any](fsys filesys.FS, path string, read func(old []byte) (done map[string]V, text []byte)) (*File[V], error) {
	old, _, err := keyringfile.ReadFile(fsys, path)
	if err != nil {
		return nil, err
	}
	defer old.Wipe()
	done, text := read(old.Reveal())
	if text != nil {
		if err := atomicfile.Write(fsys, path, text, keyringfile.Stamp{}.Mode()); err != nil {
			return nil, err
		}
	}
	f, err := fsys.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	return &File[V]{fsys: fsys, path: path, done: done, f: f}, nil
}

// Find returns what was done.
func (n *File[V]) Find(name string) (V, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.done[name]
	return v, ok
}

// Add notes what was done, in a line.
func (n *File[V]) Add(name string, v V, line []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.f.Write(line); err != nil {
		return err
	}
	n.done[name] = v
	if n.lines++; n.lines < syncEvery {
		return nil
	}
	n.lines = 0
	return n.f.Sync()
}

// Sync brings all lines to the disk.
func (n *File[V]) Sync() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.f.Sync()
}

// Close may be called more than once.
func (n *File[V]) Close() { _ = n.f.Close() } // nothing depends on it

// Remove closes the notes and removes them.
func (n *File[V]) Remove() error {
	n.Close()
	return keyringfile.RemoveFile(n.fsys, n.path)
}
