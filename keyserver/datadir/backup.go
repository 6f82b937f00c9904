package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/secret"
)

// BackupSummary says what a backup holds.
type BackupSummary struct {
	Made      time.Time            `json:"made"` // the moment that it is of
	Program   string               `json:"program"`
	Bytes     int64                `json:"bytes,omitempty"` // of the file, less its header
	Files     []string             `json:"files"`
	Entries   map[store.Bucket]int `json:"entries"`
	Endpoints []BackupEndpoint     `json:"endpoints"`
	AuditHead string               `json:"audit_head,omitempty"`
}

// BackupEndpoint is an endpoint of a backup.
type BackupEndpoint struct {
	Name    string `json:"name"`
	Removed bool   `json:"removed,omitempty"`
}

// objectBucket is where the key server's objects are, by Unique Identifier.
const objectBucket store.Bucket = "object"

// Objects is how many objects there are, destroyed ones included.
func (s *BackupSummary) Objects() int { return s.Entries[objectBucket] }

// Brief is the summary without the lists, which may be long.
func (s BackupSummary) Brief() BackupSummary {
	s.Files, s.Endpoints = nil, nil
	return s
}

// Keys is how many of them have key bytes.
func (s *BackupSummary) Keys() int { return s.Entries["material"] }

// File implements [backup.Content].
func (s *BackupSummary) File(name string, _ fs.FileMode, _ []byte) error {
	if !backedUp(name) || filepath.Clean(name) != name {
		return fmt.Errorf("the backup has a file %q, which does not belong into a data directory", name)
	}
	s.Files = append(s.Files, name)
	return nil
}

// Entry implements [backup.Content].
func (s *BackupSummary) Entry(b store.Bucket, key string, value []byte) error {
	if s.Entries == nil {
		s.Entries = map[store.Bucket]int{}
	}
	s.Entries[b]++
	if b == endpoint.Bucket {
		var e endpoint.Endpoint
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("endpoint %s: %w", key, err)
		}
		s.Endpoints = append(s.Endpoints, BackupEndpoint{Name: e.Name, Removed: e.Removed != nil})
	}
	return nil
}

// maxBackedUp bounds a file of the data directory, in bytes.
const maxBackedUp = 16 << 20

// backedUp says whether a file of the data directory goes into a backup: all that
// is not the store (whose content does), the root key, the audit log, or passing.
func backedUp(name string) bool {
	dir, base := filepath.Split(name)
	if dir != "" && dir != AdminDir+"/" || base == SocketFile || base == "" {
		return false
	}
	for _, prefix := range []string{".", "store.", "root_key", "audit"} {
		if strings.HasPrefix(base, prefix) {
			return false
		}
	}
	return true
}

// Backup writes a backup's content to w: everything of one moment, and not the root
// key, since a restored directory gets one of its own. Clients are served meanwhile.
// It is first collected in a file without a name in the data directory, encrypted:
// a slow w must not hold up the store. begin is called with the summary before the
// first byte goes to w.
func (d *Dir) Backup(ctx context.Context, w io.Writer, key *secret.Bytes, begin func(BackupSummary) error) error {
	spool, err := d.spool()
	if err != nil {
		return fmt.Errorf("collect the backup in the data directory: %w", err)
	}
	defer spool.Close()
	s, err := d.collect(ctx, spool, key)
	if err != nil {
		return fmt.Errorf("collect the backup in %s: %w", d.Path, err)
	}
	if s.Bytes, err = spool.Seek(0, io.SeekCurrent); err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = begin(s)
	}
	if err == nil {
		_, err = io.Copy(w, spool)
	}
	return err
}

// spool makes a file that is gone when it is closed, whatever happens.
func (d *Dir) spool() (*os.File, error) {
	f, err := os.CreateTemp(d.Path, ".backup-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *Dir) collect(ctx context.Context, to io.Writer, key *secret.Bytes) (s BackupSummary, err error) {
	files, err := d.files()
	if err != nil {
		return s, err
	}
	if err := d.KeepAuditHead(ctx); err != nil {
		return s, err
	}
	d.auditMu.Lock()
	if d.auditHead.Seq > 0 {
		s.AuditHead = fmt.Sprintf("line %d, %s", d.auditHead.Seq, d.auditHead.Chain)
	}
	d.auditMu.Unlock()
	err = d.Store.View(func(r store.Reader) error {
		s.Made, s.Program = time.Now().UTC(), d.Program
		w, err := backup.NewWriter(to, key, backup.Manifest{Made: s.Made, Program: s.Program, Format: backupFormat, AuditHead: s.AuditHead})
		if err != nil {
			return err
		}
		defer w.Wipe()
		for _, f := range files {
			if err := errors.Join(s.File(f.name, f.mode, nil), w.File(f.name, f.mode, f.content)); err != nil {
				return err
			}
		}
		buckets, err := r.Buckets()
		if err != nil {
			return err
		}
		for _, b := range buckets {
			if b == formatBucket { // the directory's own, not encrypted
				continue
			}
			err := r.Range(b, "", func(key string, value []byte) error {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := s.Entry(b, key, value); err != nil {
					return err
				}
				return w.Entry(b, key, value)
			})
			if err != nil {
				return err
			}
		}
		_, err = w.End()
		return err
	})
	for _, f := range files {
		secret.Wipe(f.content)
	}
	return s, err
}

type dirFile struct {
	name    string
	mode    fs.FileMode
	content []byte
}

// files reads the files that go into a backup. Those of the server's certificate
// are left out while they are being replaced: a start makes new ones.
func (d *Dir) files() (all []dirFile, err error) {
	for _, dir := range []string{"", AdminDir} {
		entries, err := os.ReadDir(d.file(dir))
		if errors.Is(err, fs.ErrNotExist) && dir == AdminDir {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if !backedUp(name) || e.IsDir() {
				continue
			}
			f, err := d.readFile(name)
			if errors.Is(err, fs.ErrNotExist) { // it went away just now
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
	}
	if _, err := pki.Load(d.file(serverCertFile), d.file(serverKeyFile)); errors.Is(err, pki.ErrMismatch) {
		all = without(all, serverCertFile, serverKeyFile)
	}
	return all, nil
}

func (d *Dir) readFile(name string) (f dirFile, err error) {
	info, err := os.Stat(d.file(name))
	if err != nil {
		return f, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxBackedUp {
		return f, fmt.Errorf("%s is no file that belongs into a data directory. Move it elsewhere", d.file(name))
	}
	content, err := os.ReadFile(d.file(name))
	return dirFile{name, info.Mode(), content}, err
}

func without(all []dirFile, names ...string) (rest []dirFile) {
	for _, f := range all {
		drop := false
		for _, name := range names {
			drop = drop || f.name == name
		}
		if !drop {
			rest = append(rest, f)
		}
	}
	return rest
}
