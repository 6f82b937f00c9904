package kmsfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/internal/keyringfile"
)

// lockTimeout is how long another process of ours may take to write.
const lockTimeout = 5 * time.Second

// lock keeps other processes of ours from writing the file.
func (r *Keyring) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	return filesys.LockDir(ctx, r.file.FS, r.o.Path)
}

// reading is the file as it is on the disk, whole and checked, its keys still encrypted.
type reading struct {
	*keyringfile.Content
	format  Format
	lineage lineage
	stamps  keyringfile.Stamps
	sum     [sha256.Size]byte // of the file's text, whether it counts or its backup
	foreign bool              // somebody else has written it
}

// read reads the file. What looks wrong may be a writer of ours between two of its
// steps, so it is looked at once more under the lock before it is judged.
func (r *Keyring) read(ctx context.Context, locked bool) (*reading, error) {
	first, err := r.look()
	var damaged *keyringfile.DamagedError
	if locked || err == nil && !first.foreign || err != nil && !errors.As(err, &damaged) {
		return first, err
	}
	unlock, lockErr := r.lock(ctx)
	if lockErr != nil { // it may be a folder that only others may write in
		return first, err
	}
	defer unlock()
	return r.look()
}

func (r *Keyring) look() (*reading, error) {
	texts, err := r.file.Read()
	if err != nil {
		return nil, err
	}
	defer texts.Wipe()
	c, err := texts.Decode(decode)
	if err != nil {
		return nil, err
	}
	l := &reading{Content: c, format: FormatPercona, stamps: texts.Stamps, sum: sha256.Sum256(texts.Main.Reveal())}
	if l.lineage, err = lineageOf(c.Document); err != nil {
		return nil, r.damaged(err.Error())
	}
	if l.lineage.keyring != "" {
		l.format = FormatDBKeyring
	}
	counting := texts.Main
	if c.Restored {
		counting = texts.Backup
		if l.format == FormatDBKeyring {
			// it has a checksum of its own
		} else if err := fits(texts, c.Document); err != nil {
			return nil, &keyringfile.DamagedError{Path: r.o.Path + keyringfile.BackupSuffix, Err: err}
		}
	} else if l.format == FormatPercona {
		v, err := r.judge(texts)
		if err != nil {
			return nil, err
		}
		l.foreign = v == foreign
	}
	if counting.Len() == 0 {
		if l.stamps[0].There && r.o.Format == FormatDBKeyring {
			return nil, r.damaged("it is empty, which the format never is; remove it if it has never held a key")
		}
		l.format = r.o.Format
	}
	return l, nil
}

// fits says why a backup, which has no checksum, cannot be the one that was written
// last: the file then is the start of the same text, or was not touched yet and differs
// by the one key that was added or removed.
func fits(t *keyringfile.Texts, backup *keyringfile.Document) error {
	if bytes.HasPrefix(t.Backup.Reveal(), t.Main.Reveal()) {
		return nil
	}
	wrong := errors.New("it and the keyring file differ by more than the one change that was interrupted; remove the one that is wrong")
	main, err := decode(t.Main.Reveal())
	if err != nil {
		return wrong
	}
	differ := 0
	for _, sides := range [][2]*keyringfile.Document{{main, backup}, {backup, main}} {
		for _, e := range sides[0].Elements {
			if o := sides[1].Find(e.ID); o == nil || o.Type != e.Type {
				differ++
			}
		}
	}
	if differ > 1 {
		return wrong
	}
	return nil
}

// load decrypts what was read. Keys that known has, encrypted the same, are shared.
func (r *Keyring) load(ctx context.Context, l *reading, known *state) (*state, error) {
	plain, err := r.decryptAll(ctx, l.Document, known)
	if err != nil {
		return nil, err
	}
	return &state{
		doc: l.Document, plain: plain, format: l.format, lineage: l.lineage,
		stamps: l.stamps, sum: l.sum, restored: l.Restored,
	}, nil
}

// report logs what is unusual about a file that was taken.
func (r *Keyring) report(l *reading) {
	l.Log(r.log, r.file)
	if l.foreign {
		r.log.Warn("the keyring file was written by another program since its checksum was made; it is taken as it is",
			"file", r.o.Path, "checksum", r.sumPath())
	}
	lacking := 0
	if r.o.Format == FormatDBKeyring && l.format == FormatDBKeyring {
		for _, e := range l.Elements {
			if len(e.Value.(copies)) < len(r.o.Keys) {
				lacking++
			}
		}
	}
	if lacking > 0 {
		r.log.Warn(fmt.Sprintf("%d of %d keys are not encrypted under all of the %d KMS keys; encrypt the file anew (dbkeyring aws rotate-keys)",
			lacking, len(l.Elements), len(r.o.Keys)), "file", r.o.Path)
	}
}
