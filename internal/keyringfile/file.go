package keyringfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/secret"
)

const (
	// BackupSuffix is what the components add to the file's name for the copy that
	// they write first. While that copy is there, it is what counts.
	BackupSuffix = ".backup"
	// newMode is that of a new file, as the components' under mysqld's umask.
	newMode = 0o640
	// maxFile is the largest file that is read, in bytes.
	maxFile = 1 << 30
)

// Stamp tells whether a file is still the one that was read.
type Stamp struct {
	There    bool
	Modified time.Time

	inode   uint64
	size    int64
	changed syscall.Timespec
	mode    fs.FileMode
}

// Mode is the file's permissions, or those of a new one if there is none.
func (s Stamp) Mode() fs.FileMode {
	if !s.There {
		return newMode
	}
	return s.mode.Perm()
}

// Stamps are those of the file and its backup.
type Stamps [2]Stamp

// Unknown is no file's: whatever is there is read again.
var Unknown = Stamps{{inode: 1}}

func stampOf(info fs.FileInfo) Stamp {
	s := info.Sys().(*syscall.Stat_t)
	return Stamp{true, info.ModTime(), s.Ino, info.Size(), s.Ctim, info.Mode()}
}

// File is a data file with its backup.
type File struct {
	FS   filesys.FS
	Path string
}

// Stamps looks at the file and its backup.
func (f File) Stamps() (Stamps, error) {
	main, err := StampOf(f.FS, f.Path)
	backup, err2 := StampOf(f.FS, f.Path+BackupSuffix)
	return Stamps{main, backup}, errors.Join(err, err2)
}

// StampOf looks at a file. That there is none is no error.
func StampOf(fsys filesys.FS, path string) (Stamp, error) {
	info, err := fsys.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Stamp{}, nil
	}
	if err != nil {
		return Stamp{}, err
	}
	return stampOf(info), nil
}

// ReadFile returns a regular file's text, and of which state of the file it is. No
// file has no text.
func ReadFile(fsys filesys.FS, path string) (*secret.Bytes, Stamp, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Stamp{}, nil
	}
	if err != nil {
		return nil, Stamp{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, Stamp{}, err
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, Stamp{}, fmt.Errorf("%s: it is not a regular file", path)
	case info.Size() > maxFile:
		return nil, Stamp{}, fmt.Errorf("%s: it has %d bytes, and %d are read at most", path, info.Size(), maxFile)
	}
	text := secret.New(int(info.Size()))
	if _, err := io.ReadFull(f, text.Reveal()); err != nil {
		text.Wipe()
		return nil, Stamp{}, fmt.Errorf("%s: it changes while it is read: %w", path, err)
	}
	return text, stampOf(info), nil
}

// Texts are the texts of a file and its backup.
type Texts struct {
	Main, Backup *secret.Bytes // nil: there is none
	Stamps       Stamps
	path         string
}

// Read reads both, without changing either.
func (f File) Read() (*Texts, error) {
	t := &Texts{path: f.Path}
	var err error
	if t.Backup, t.Stamps[1], err = ReadFile(f.FS, f.Path+BackupSuffix); err != nil {
		return nil, err
	}
	if t.Main, t.Stamps[0], err = ReadFile(f.FS, f.Path); err != nil {
		t.Wipe()
		return nil, err
	}
	return t, nil
}

// Wipe wipes both.
func (t *Texts) Wipe() {
	t.Main.Wipe()
	t.Backup.Wipe()
}

// Content is what a file and its backup say together.
type Content struct {
	*Document
	Restored bool // it is the backup's
	// CutOff is why the backup does not count: it was cut off while it was
	// written, before the component touched the file itself.
	CutOff error
}

// Log says that a backup was there.
func (c *Content) Log(log *slog.Logger, f File) {
	switch {
	case c.Restored:
		log.Warn("the last change of the keyring file was interrupted; its backup is what counts", "backup", f.Path+BackupSuffix)
	case c.CutOff != nil:
		log.Warn("a change of the keyring file was interrupted before it began; the backup of it is passed over", "cause", c.CutOff)
	}
}

// Decode decides which of both counts.
func (t *Texts) Decode(decode func([]byte) (*Document, error)) (*Content, error) {
	c := &Content{}
	var err error
	if t.Backup.Len() > 0 {
		if c.Document, err = decode(t.Backup.Reveal()); err == nil {
			c.Restored = true
			return c, nil
		}
		c.CutOff = &DamagedError{t.path + BackupSuffix, err}
	}
	c.Document, err = decode(t.Main.Reveal())
	switch {
	case err == nil && c.CutOff != nil && t.Main.Len() == 0:
		return nil, c.CutOff // the file may have been emptied to be written from the backup
	case err != nil:
		return nil, errors.Join(&DamagedError{t.path, err}, c.CutOff)
	}
	return c, nil
}

// Write puts a text into the file, which has these stamps now, and takes the backup
// away. It keeps the file's permissions.
func (f File) Write(text []byte, now Stamps) error {
	if err := atomicfile.Write(f.FS, f.Path, text, now[0].Mode()); err != nil {
		return err
	}
	if now[1].There {
		return f.DropBackup()
	}
	return nil
}

// DropBackup takes the backup away.
func (f File) DropBackup() error { return RemoveFile(f.FS, f.Path+BackupSuffix) }

// RemoveFile removes a file, if it is there, and returns when that is on the disk.
func RemoveFile(fsys filesys.FS, path string) error {
	switch err := fsys.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return filesys.SyncDir(fsys, filepath.Dir(path))
}
