package journal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	// segmentSize is the size of each of the two files, in bytes.
	segmentSize = 4 << 20
	// headerSize is where the first record begins. Before it are segmentMagic, the id,
	// and zeros.
	headerSize   = 4096
	segmentMagic = "dbkeyring journal, format 1\n"
)

// journalID tells which store a segment belongs to. It is another one each time that
// the segments are made.
type journalID [16]byte

// file is what a segment needs of one.
type file interface {
	WriteAt(b []byte, at int64) (int, error)
	Sync() error // of the data; the size does not change
	Close() error
}

// opener makes or opens a file.
type opener func(path string, flag int) (file, error)

type osFile struct{ *os.File }

// Sync implements file: without the times of the file it is one write, not two.
func (f osFile) Sync() error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync "+f.Name(), err)
		}
	}
}

func openFile(path string, flag int) (file, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// segments are the journal's files. One is written; the other has what goes below.
type segments struct {
	id      journalID
	files   [2]file
	current int
	at      int // where the next record goes
}

// makeSegments makes both files at full size, so that a record changes nothing but
// data. The files of before it are of no use.
func makeSegments(path string, open opener) (*segments, error) {
	x := &segments{at: headerSize}
	_, _ = rand.Read(x.id[:]) // never fails
	content := make([]byte, segmentSize)
	copy(content, segmentMagic)
	copy(content[len(segmentMagic):], x.id[:])
	var err error
	for i := range x.files {
		if err == nil {
			x.files[i], err = open(segmentPath(path, i), os.O_RDWR|os.O_CREATE|os.O_TRUNC)
		}
		if err == nil {
			_, err = x.files[i].WriteAt(content, 0)
		}
		if err == nil {
			err = x.files[i].Sync()
		}
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		_ = x.close()
		removeSegments(path)
		return nil, err
	}
	return x, nil
}

func segmentPath(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

// removeSegments removes the files. One that stays does no harm.
func removeSegments(path string) {
	for i := range 2 {
		_ = os.Remove(segmentPath(path, i))
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readSegments opens the files that the store below says there are, and returns the
// records in them, in no order. The present place is past the end of one: it must turn
// before it can append.
func readSegments(path string, id journalID, open opener) (x *segments, all []record, err error) {
	opened := &segments{id: id, at: segmentSize}
	defer func() {
		if err != nil {
			_ = opened.close()
		}
	}()
	for i := range opened.files {
		path := segmentPath(path, i)
		b, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, nil, fmt.Errorf("%s is missing, and the newest changes may lie there", path)
		case err != nil:
			return nil, nil, err
		case len(b) != segmentSize || !bytes.HasPrefix(b, []byte(segmentMagic)):
			return nil, nil, fmt.Errorf("%s is damaged, or no journal", path)
		case !bytes.HasPrefix(b[len(segmentMagic):], id[:]):
			return nil, nil, fmt.Errorf("%s belongs to another key store, or to another time of this one", path)
		}
		// Beyond one that is damaged there may be more: each place is looked at.
		for at := headerSize; at < len(b); at += recordAlign {
			if r, ok := parseRecord(id, b[at:]); ok {
				all = append(all, r)
			}
		}
		if opened.files[i], err = open(path, os.O_RDWR); err != nil {
			return nil, nil, err
		}
	}
	return opened, all, nil
}

// room is how many bytes the next record may have.
func (x *segments) room() int { return segmentSize - x.at }

// append writes an aligned record and waits for the disk. After an error the next one
// is written in the same place.
func (x *segments) append(rec []byte) error {
	f := x.files[x.current]
	if _, err := f.WriteAt(rec, int64(x.at)); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	x.at += len(rec)
	return nil
}

// turn goes to the beginning of the other file, whose records are all below.
func (x *segments) turn() { x.current, x.at = 1-x.current, headerSize }

func (x *segments) close() (err error) {
	for i, f := range x.files {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
		x.files[i] = nil
	}
	return err
}
