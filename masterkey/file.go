package masterkey

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
)

const (
	// FileName is the key store's name in its folder.
	FileName = "keystore"

	fileFormat  = "dbkeyring keystore"
	fileVersion = 1
	fileMode    = 0o600
	folderMode  = 0o700
	maxFile     = 64 << 20
)

// content is what the file holds: one document, so that one rename changes the master
// key and what it wraps together.
type content struct {
	Format     string    `json:"format"`
	Version    int       `json:"version"`
	Store      string    `json:"store"`            // identity, 32 hexadecimal digits
	Generation uint64    `json:"generation"`       // grows with each write
	Master     *Ref      `json:"master,omitempty"` // nil while the first one is made
	Pending    *pending  `json:"pending,omitempty"`
	Keys       []dataKey `json:"keys"`
	MAC        []byte    `json:"mac,omitempty"` // of all but itself and Sum, under the master key
	Sum        string    `json:"sha256"`        // of all but itself, to tell damage from a wrong key
}

// pending is a master key in the making. It is written before each step, so that
// whatever was made is known after a crash.
type pending struct {
	Provider string `json:"provider"`
	Marker   string `json:"marker"`        // finds what was made if no answer came
	Ref      *Ref   `json:"ref,omitempty"` // once it is known
}

// dataKey is a data key as it is kept.
type dataKey struct {
	ID      string    `json:"id"`  // WiredTiger's keyid
	Tag     string    `json:"tag"` // 8 hexadecimal digits, unique in the store
	Key     []byte    `json:"key"` // wrapped
	Created time.Time `json:"created"`
}

func newContent() (*content, error) {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	return &content{Format: fileFormat, Version: fileVersion, Store: hex.EncodeToString(id), Keys: []dataKey{}}, nil
}

// clone returns a copy that can be changed.
func (c *content) clone() *content {
	n := *c
	n.Keys = append([]dataKey{}, c.Keys...)
	n.Master = c.Master.clone()
	if c.Pending != nil {
		p := *c.Pending
		p.Ref = p.Ref.clone()
		n.Pending = &p
	}
	return &n
}

func (r *Ref) clone() *Ref {
	if r == nil {
		return nil
	}
	n := *r
	return &n
}

// encode gives the file's text, with a new sum.
func (c *content) encode() ([]byte, error) {
	c.Sum = ""
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	c.Sum = hex.EncodeToString(sum[:])
	text, err = json.MarshalIndent(c, "", " ")
	return append(text, '\n'), err
}

// authenticated is what the MAC is over.
func (c *content) authenticated() ([]byte, error) {
	n := *c
	n.MAC, n.Sum = nil, ""
	return json.Marshal(&n)
}

// decode reads what encode has written, and nothing else: a byte more or less, or
// another one, is damage.
func decode(text []byte) (*content, error) {
	var c content
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, errors.New("it is not the JSON that it should be")
	}
	switch {
	case c.Format != fileFormat:
		return nil, fmt.Errorf("it is no key store of dbkeyring (its format is %.40q)", c.Format)
	case c.Version != fileVersion:
		return nil, fmt.Errorf("it is of version %d, which another release of dbkeyring has written", c.Version)
	}
	sum := c.Sum
	again, err := c.encode()
	switch {
	case err != nil:
		return nil, err
	case c.Sum != sum || !bytes.Equal(again, text):
		return nil, errors.New("its checksum is wrong")
	}
	return &c, nil
}

// file is the key store's file.
type file struct {
	fs  filesys.FS
	dir string
}

func (f file) path() string { return filepath.Join(f.dir, FileName) }

// read returns nil if there is no file.
func (f file) read() (*content, error) {
	in, err := f.fs.OpenFile(f.path(), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	c, err := decode(text)
	if err != nil {
		return nil, &DamagedError{f.path(), err}
	}
	return c, nil
}

// write replaces the file.
func (f file) write(c *content) error {
	text, err := c.encode()
	if err != nil {
		return err
	}
	return atomicfile.Write(f.fs, f.path(), text, fileMode)
}

// makeFolder makes the folder, durably, for the user whose the database is.
func (f file) makeFolder() error {
	err := f.fs.Mkdir(f.dir, folderMode)
	if err == nil && os.Geteuid() == 0 {
		err = f.giveAway()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// One that is there may be so since a moment ago only, after a crash.
	return filesys.SyncDir(f.fs, filepath.Dir(f.dir))
}

// giveAway gives the folder to the owner of the one that it is in.
func (f file) giveAway() error {
	info, err := f.fs.Stat(filepath.Dir(f.dir))
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	d, err := f.fs.OpenFile(f.dir, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Chown(int(owner.Uid), int(owner.Gid))
}

// keep puts a copy aside under its generation, for backups that were taken before the
// master key was rotated.
func (f file) keep(c *content) error {
	text, err := c.clone().encode()
	if err != nil {
		return err
	}
	return atomicfile.Write(f.fs, fmt.Sprintf("%s.%d", f.path(), c.Generation), text, fileMode)
}

// DamagedError is a key store that cannot be what was written.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("the key store %s is damaged: %v. Restore it from the backup of this database; it is not overwritten", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *DamagedError) Unwrap() error { return e.Err }
