package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/backup"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Inspect reads a backup to its end and says what it holds, or what is wrong with it.
func Inspect(r *backup.Reader) (BackupSummary, error) {
	s := BackupSummary{Made: r.Manifest.Made, Program: r.Manifest.Program, AuditHead: r.Manifest.AuditHead}
	if err := checkFormat(r.Manifest.Format); err != nil {
		return s, err
	}
	_, err := r.Each(&s)
	return s, err
}

// backupFormat is that of what a backup holds, which is not encrypted under a root key.
const backupFormat = "1"

func checkFormat(of string) error {
	if of != backupFormat {
		return fmt.Errorf("the backup is of a data directory of format %s, and this program knows %s. Use the version of dbkeyring that made it, or a later one", of, backupFormat)
	}
	return nil
}

// Restore makes a data directory out of a backup, in a folder that is empty or not
// there. Inspect the backup first. check looks at the store before the directory
// counts as complete. When Restore fails nothing is left; when the process is killed,
// [Open] refuses what it leaves, and says so.
func Restore(ctx context.Context, path string, r *backup.Reader, log *slog.Logger, check func(store.Store) error) (err error) {
	if path, err = absolute(path); err != nil {
		return err
	}
	if empty, err := inspect(path); err != nil {
		return err
	} else if !empty {
		return fmt.Errorf("the data directory %s is not empty. Restore into an empty folder, or one that does not exist yet; nothing was changed", path)
	}
	undo, err := makeDir(path)
	if err != nil {
		return err
	}
	raw, err := openBase(path) // a restore that is cut off is nothing: no journal
	if err != nil {
		return errors.Join(err, undo())
	}
	d := newDir(path, nil, log)
	if err = d.restore(ctx, raw, r, check); err != nil {
		return errors.Join(fmt.Errorf("restore into %s: %w. Nothing was left there", path, err), raw.Close(), undo())
	}
	return nil
}

// makeDir makes a folder, if it is not there. undo removes all that came to be in it.
func makeDir(path string) (undo func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	err = os.Mkdir(path, 0o700)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	return func() error {
		if made {
			return os.RemoveAll(path)
		}
		entries, err := os.ReadDir(path)
		for _, e := range entries {
			if e.Name() != lostFound {
				err = errors.Join(err, os.RemoveAll(filepath.Join(path, e.Name())))
			}
		}
		return err
	}, nil
}

// restore fills the directory. That it is complete is the last thing written.
func (d *Dir) restore(ctx context.Context, raw store.Store, r *backup.Reader, check func(store.Store) error) error {
	err := raw.Update(ctx, func(w store.Writer) error { return w.Put(formatBucket, restoringKey, []byte("1")) })
	if err != nil {
		return err
	}
	if err := d.newRoot(ctx, raw, time.Now()); err != nil {
		return err
	}
	sealed := d.sealed
	defer d.rootKey.Wipe()
	in := &restorer{ctx: ctx, d: d, to: sealed}
	defer in.wipe()
	totals, err := r.Each(in)
	if err == nil {
		err = in.flush()
	}
	if err == nil {
		err = d.checkRestored(sealed, totals)
	}
	if err == nil {
		err = check(sealed)
	}
	if err == nil {
		err = d.noteRestored(sealed, r.Manifest)
	}
	if err == nil { // all names are durable before it counts
		err = errors.Join(filesys.SyncDir(filesys.OS{}, d.Path), filesys.SyncDir(filesys.OS{}, filepath.Dir(d.Path)))
	}
	if err != nil {
		return err
	}
	return errors.Join(raw.Update(ctx, func(w store.Writer) error {
		return errors.Join(w.Delete(formatBucket, restoringKey), w.Put(formatBucket, formatKey, []byte(format)))
	}), sealed.Close())
}

// checkRestored reads all that was written, and so decrypts it.
func (d *Dir) checkRestored(s store.Store, want backup.Totals) error {
	return s.View(func(r store.Reader) error {
		for b, n := range want.Entries {
			err := r.Range(b, "", func(string, []byte) error { n--; return nil })
			if err != nil {
				return err
			}
			if n != 0 {
				return fmt.Errorf("%w: it has a key of %s twice", backup.ErrDamaged, b)
			}
		}
		return nil
	})
}

// noteRestored begins the new audit log, whose chain goes on from the old one's.
func (d *Dir) noteRestored(s store.Store, m backup.Manifest) error {
	heads, err := auditHeads(s)
	if err != nil {
		return err
	}
	var newest audit.Head
	if len(heads) > 0 {
		newest = heads[len(heads)-1]
	}
	log, err := audit.Open(d.file(auditFile), newest, d.log)
	if err != nil {
		return err
	}
	from := "from a backup of " + m.Made.Format(time.RFC3339)
	if m.AuditHead != "" {
		from += ", when the audit log ended with " + m.AuditHead
	}
	return errors.Join(log.Record(audit.Entry{Endpoint: "local", Op: "Restore", Result: audit.Success, Reason: from, Change: true}), log.Close())
}

// A commit of a restore has so many values, or so many bytes of them.
const (
	restoreValues = 2000
	restoreBytes  = 4 << 20
)

// restorer puts a backup's content into a data directory.
type restorer struct {
	ctx  context.Context
	d    *Dir
	to   store.Store
	wait []value
	size int
}

type value struct {
	bucket store.Bucket
	key    string
	value  []byte
}

// File implements [backup.Content].
func (x *restorer) File(name string, mode fs.FileMode, content []byte) error {
	if err := new(BackupSummary).File(name, mode, content); err != nil {
		return err
	}
	if dir := filepath.Dir(name); dir != "." {
		if err := os.Mkdir(x.d.file(dir), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return atomicfile.WriteFile(x.d.file(name), content, mode)
}

// Entry implements [backup.Content].
func (x *restorer) Entry(b store.Bucket, key string, v []byte) error {
	if b == formatBucket {
		return fmt.Errorf("the backup has a value in %s, which is not for backups", b)
	}
	x.wait = append(x.wait, value{b, key, append([]byte{}, v...)})
	if x.size += len(v); x.size < restoreBytes && len(x.wait) < restoreValues {
		return nil
	}
	return x.flush()
}

func (x *restorer) flush() error {
	err := x.to.Update(x.ctx, func(w store.Writer) error {
		for _, v := range x.wait {
			if err := w.Put(v.bucket, v.key, v.value); err != nil {
				return err
			}
		}
		return nil
	})
	x.wipe()
	return err
}

func (x *restorer) wipe() {
	for _, v := range x.wait {
		secret.Wipe(v.value)
	}
	x.wait, x.size = x.wait[:0], 0
}
