package faultfs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

// Outcome is what a power cut leaves of that which no sync has made durable.
type Outcome string

// The outcomes; a real disk may do anything in between.
const (
	NothingKept    Outcome = "nothing kept"    // names and contents are those of the last syncs
	NamesKept      Outcome = "names kept"      // names are there, unsynced contents are cut in half
	EverythingKept Outcome = "everything kept" // the cache had been written just before
)

// Outcomes are all of them, for a loop.
var Outcomes = []Outcome{NothingKept, NamesKept, EverythingKept}

// node is a file, whatever its name is at the moment.
type node struct {
	dir    bool
	synced bool // data is what was synced last; else nothing was
	data   []byte
	mode   fs.FileMode
	mtime  time.Time
}

// journal knows what is durable.
type journal struct {
	nodes  map[uint64]*node            // by inode, which may be used again after a removal
	folder map[string]map[string]*node // folder → its durable names
}

func newJournal() journal {
	return journal{nodes: map[uint64]*node{}, folder: map[string]map[string]*node{}}
}

func inode(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

// know takes the folder of a name for durable, if it is the first look at it.
func (j *journal) know(name string) {
	dir := filepath.Dir(name)
	if j.folder[dir] != nil {
		return
	}
	j.folder[dir] = map[string]*node{}
	each(dir, func(path string, info fs.FileInfo) {
		n := &node{dir: info.IsDir()}
		if info.Mode().IsRegular() {
			n.take(path, info)
		}
		j.nodes[inode(info)] = n
	})
	j.names(dir)
}

// each calls fn for all that is in a folder.
func each(dir string, fn func(path string, info fs.FileInfo)) {
	entries, _ := os.ReadDir(dir) // a folder that is not there is empty
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			fn(filepath.Join(dir, e.Name()), info)
		}
	}
}

// take makes the content of a file durable.
func (n *node) take(path string, info fs.FileInfo) {
	data, err := os.ReadFile(path)
	if err == nil {
		n.synced, n.data, n.mode, n.mtime = true, data, info.Mode().Perm(), info.ModTime()
	}
}

// names makes the names in a folder durable.
func (j *journal) names(dir string) {
	durable := map[string]*node{}
	each(dir, func(path string, info fs.FileInfo) {
		n := j.nodes[inode(info)]
		if n == nil { // made by others
			n = &node{dir: info.IsDir()}
			j.nodes[inode(info)] = n
		}
		durable[filepath.Base(path)] = n
	})
	j.folder[dir] = durable
}

// created is for a file or a folder that was not there before.
func (j *journal) created(name string) {
	if info, err := os.Lstat(name); err == nil {
		j.nodes[inode(info)] = &node{dir: info.IsDir()}
		if info.IsDir() {
			j.folder[name] = map[string]*node{}
		}
	}
}

// synced is for a file or a folder.
func (j *journal) synced(f filesys.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if info.IsDir() {
		j.know(filepath.Join(f.Name(), "x"))
		j.names(filepath.Clean(f.Name()))
		return
	}
	n := j.nodes[inode(info)]
	if n == nil {
		n = &node{}
		j.nodes[inode(info)] = n
	}
	n.take(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), info) // it may have another name by now
}

// Restart has the power come back: what a cut leaves is on the disk then. Files that
// were open before stay dead.
func (f *FS) Restart(left Outcome) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off, f.at = false, 0
	f.life++
	var err error
	for dir := range f.reckon.folder {
		if e := f.reckon.leave(dir, left); e != nil {
			err = e
		}
	}
	f.reckon = newJournal()
	return err
}

// leave makes a folder what the cut leaves of it.
func (j *journal) leave(dir string, left Outcome) (err error) {
	failed := func(e error) {
		if e != nil && !os.IsNotExist(e) {
			err = e
		}
	}
	switch left {
	case NamesKept:
		each(dir, func(path string, info fs.FileInfo) {
			n := j.nodes[inode(info)]
			if !info.Mode().IsRegular() || n == nil {
				return
			}
			data, e := os.ReadFile(path)
			failed(e)
			if !n.synced || !bytes.Equal(data, n.data) {
				failed(os.Truncate(path, int64(len(data)/2)))
			}
		})
	case NothingKept:
		durable := j.folder[dir]
		each(dir, func(path string, info fs.FileInfo) {
			n := durable[filepath.Base(path)]
			if n == nil || n != j.nodes[inode(info)] {
				failed(os.RemoveAll(path))
			}
		})
		for name, n := range durable {
			if !n.dir {
				failed(n.restore(filepath.Join(dir, name)))
			}
		}
	}
	return err
}

// restore puts the durable content under a name.
func (n *node) restore(path string) error {
	now, err := os.ReadFile(path)
	if err == nil && n.synced && bytes.Equal(now, n.data) {
		return nil
	}
	mode, mtime := n.mode, n.mtime
	if !n.synced {
		mode, mtime = 0o600, time.Now()
	}
	if err := os.WriteFile(path, n.data, mode); err != nil {
		return err
	}
	return os.Chtimes(path, mtime, mtime)
}
