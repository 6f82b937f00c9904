package kmsdata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// folderMode is that of a new folder, as the document has it.
const folderMode = 0o750

// read reads the file; nil if there is none.
func (r *Keyring) read() (*content, keyringfile.Stamp, error) {
	text, stamp, err := keyringfile.ReadFile(r.fs, r.o.DataFile)
	if err != nil || !stamp.There {
		return nil, stamp, err
	}
	c, err := decode(text.Reveal())
	text.Wipe() // into the arena: there is nothing secret in it
	if err != nil {
		return nil, stamp, &fileError{r.o.DataFile, err, "It is left as it is. Restore it from a copy"}
	}
	return c, stamp, nil
}

// successor reads the file and returns what it holds, if that is what this keyring has
// written, or a later generation of it.
func (r *Keyring) successor(of *content) (*content, keyringfile.Stamp, error) {
	c, stamp, err := r.read()
	if err != nil {
		return nil, stamp, err
	}
	wrong := func(what string) error {
		return &fileError{r.o.DataFile, errors.New(what), "It is left as it is. Put the right file back, or have the plugin loaded again to take this one"}
	}
	switch {
	case c == nil:
		return nil, stamp, wrong("it is not there any more")
	case c.identity != of.identity:
		return nil, stamp, wrong("it is another keyring's")
	case c.generation < of.generation:
		return nil, stamp, wrong(fmt.Sprintf("it is an older one (generation %d, and %d is in use)", c.generation, of.generation))
	case c.generation == of.generation && !bytes.Equal(c.encode(), of.encode()):
		return nil, stamp, wrong("it has been changed by another program")
	}
	return c, stamp, nil
}

// create makes the file, and its folder, for a new keyring, unless another process is
// quicker. It returns what is there then.
func (r *Keyring) create(ctx context.Context) (*content, keyringfile.Stamp, error) {
	var none keyringfile.Stamp
	if err := r.makeFolder(filepath.Dir(r.o.DataFile)); err != nil {
		return nil, none, err
	}
	unlock, err := filesys.LockDir(ctx, r.fs, r.o.DataFile)
	if err != nil {
		return nil, none, err
	}
	defer unlock()
	if c, stamp, err := r.read(); c != nil || err != nil {
		return c, stamp, err
	}
	c := newContent()
	if err := r.write(c, none); err != nil {
		return nil, none, err
	}
	stamp, err := r.stamp()
	return c, stamp, err
}

// makeFolder makes a folder and those above it, each for the owner of the one that it
// is in.
func (r *Keyring) makeFolder(dir string) error {
	if _, err := r.fs.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := filepath.Dir(dir)
	if err := r.makeFolder(above); err != nil {
		return err
	}
	info, err := r.fs.Stat(above)
	if err != nil {
		return err
	}
	if err := r.fs.Mkdir(dir, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if os.Geteuid() == 0 {
		d, err := r.fs.OpenFile(dir, os.O_RDONLY, 0)
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		if err := errors.Join(d.Chown(int(owner.Uid), int(owner.Gid)), d.Close()); err != nil {
			return err
		}
	}
	return filesys.SyncDir(r.fs, above)
}

// write replaces the file, with the permissions that it has.
func (r *Keyring) write(c *content, now keyringfile.Stamp) error {
	return atomicfile.Write(r.fs, r.o.DataFile, c.encode(), now.Mode())
}

// change replaces the file by what fn makes of its content, then the memory. If
// anything fails, both are as before.
func (r *Keyring) change(ctx context.Context, fn func(*content) (*content, error)) error {
	if r.o.ReadOnly {
		return keyring.ErrReadOnly
	}
	end, err := r.take(ctx)
	if err != nil {
		return err
	}
	defer end()
	unlock, err := filesys.LockDir(ctx, r.fs, r.o.DataFile)
	if err != nil {
		return err
	}
	defer unlock()
	now, stamp, err := r.successor(r.present())
	if err != nil {
		return err
	}
	r.adopt(now, stamp)
	next, err := fn(now)
	if err != nil || next == nil {
		return err
	}
	if err := r.write(next, stamp); err != nil {
		return errors.Join(err, r.settle(now, next))
	}
	stamp, err = r.stamp()
	if err != nil {
		stamp = keyringfile.Stamp{} // it is read again
	}
	r.adopt(next, stamp)
	return nil
}

// settle is for a write that failed: it may have replaced the file all the same, and
// only failed to make that last. Then the old content is written again. Whatever comes
// of that, memory and file agree; if even that cannot be known, the content that may be
// there is remembered, and no key is said to be absent until it is.
func (r *Keyring) settle(old, maybe *content) error {
	found, stamp, err := r.successor(old)
	if err == nil && found.generation != old.generation {
		back := old.next()
		back.generation = found.generation + 1
		if r.write(back, stamp) == nil {
			found, stamp, err = r.successor(found)
		}
	}
	if err != nil {
		r.doubt(maybe)
		return fmt.Errorf("and it is not known what the file holds now: %w", err)
	}
	r.adopt(found, stamp)
	return nil
}
