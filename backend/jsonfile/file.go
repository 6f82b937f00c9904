package jsonfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	// backupSuffix is what component_keyring_file adds to the file's name for the
	// copy that it writes first. While that copy is there, it is what counts.
	backupSuffix = ".backup"
	// newMode is that of a new file, as the component's under mysqld's umask.
	newMode = 0o640
	// maxFile is the largest file that is read, in bytes.
	maxFile = 1 << 30
)

// stamp tells whether a file is still the one that was read.
type stamp struct {
	there    bool
	inode    uint64
	size     int64
	modified time.Time
	mode     fs.FileMode
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, err
	}
	return stampOfInfo(info), nil
}

func stampOfInfo(info fs.FileInfo) stamp {
	return stamp{true, info.Sys().(*syscall.Stat_t).Ino, info.Size(), info.ModTime(), info.Mode()}
}

// stamps are those of the file and its backup.
type stamps [2]stamp

func stampsOf(path string) (stamps, error) {
	main, err := stampOf(path)
	backup, err2 := stampOf(path + backupSuffix)
	return stamps{main, backup}, errors.Join(err, err2)
}

// read returns a file's text, and of which state of the file it is. No file has
// no text.
func read(path string) (*secret.Bytes, stamp, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if errors.Is(err, fs.ErrNotExist) {
		return nil, stamp{}, nil
	}
	if err != nil {
		return nil, stamp{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, stamp{}, fmt.Errorf("%s: it is not a regular file", path)
	case info.Size() > maxFile:
		return nil, stamp{}, fmt.Errorf("%s: it has %d bytes, and %d are read at most", path, info.Size(), maxFile)
	}
	text := secret.New(int(info.Size()))
	if _, err := io.ReadFull(f, text.Reveal()); err != nil {
		text.Wipe()
		return nil, stamp{}, fmt.Errorf("%s: it changes while it is read: %w", path, err)
	}
	return text, stampOfInfo(info), nil
}

// content is what the file and its backup say together.
type content struct {
	*document
	stamps   stamps
	restored bool // it is the backup's
	// cutOff is why the backup does not count: it was cut off while it was
	// written, before the component touched the file itself.
	cutOff error
}

// errDamaged is a file, or its backup, that cannot be what was written.
type errDamaged struct {
	path string
	err  error
}

func (e *errDamaged) Error() string { return fmt.Sprintf("%s, %v", e.path, e.err) }
func (e *errDamaged) Unwrap() error { return e.err }

// readContent reads the file and its backup, without changing either.
func readContent(path string) (*content, error) {
	backup, backupStamp, err := read(path + backupSuffix)
	if err != nil {
		return nil, err
	}
	defer backup.Wipe()
	main, mainStamp, err := read(path)
	if err != nil {
		return nil, err
	}
	defer main.Wipe()
	c := &content{stamps: stamps{mainStamp, backupStamp}}
	if backup.Len() > 0 {
		if c.document, err = decode(backup.Reveal()); err == nil {
			c.restored = true
			return c, nil
		}
		c.cutOff = &errDamaged{path + backupSuffix, err}
	}
	c.document, err = decode(main.Reveal())
	switch {
	case err == nil && c.cutOff != nil && main.Len() == 0:
		return nil, c.cutOff // the file may have been emptied to be written from the backup
	case err != nil:
		return nil, errors.Join(&errDamaged{path, err}, c.cutOff)
	}
	return c, nil
}

// write puts the document into the file and takes the backup away.
func write(path string, d *document, s stamps) (stamps, error) {
	mode := fs.FileMode(newMode)
	if s[0].there {
		mode = s[0].mode.Perm()
	}
	text := d.encode()
	defer text.Wipe()
	if err := atomicfile.WriteFile(path, text.Reveal(), mode); err != nil {
		return s, err
	}
	if s[1].there {
		if err := dropBackup(path); err != nil {
			return s, err
		}
	}
	return stampsOf(path)
}

func dropBackup(path string) error {
	if err := os.Remove(path + backupSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock keeps other processes of ours from writing in the file's folder. The
// component knows no lock.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { d.Close() }, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			d.Close()
			return nil, fmt.Errorf("lock the folder of %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			d.Close()
			return nil, fmt.Errorf("another process writes in the folder of %s: %w", path, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
