package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// The note that the directory is complete lies unencrypted in the store.
const (
	formatBucket store.Bucket = "format"
	formatKey                 = "version"
	format                    = "2"
	formatBefore              = "1" // the root key sealed the values itself, see recordKey

	// restoringKey is there until a restore into the directory is complete.
	restoringKey = "restoring"
)

// create makes a data directory in a folder that is empty or not there.
func create(ctx context.Context, path string, roots rootkey.Sources, log *slog.Logger, now time.Time) (*Dir, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	raw, err := openStore(path, log)
	if err != nil {
		return nil, err
	}
	d := newDir(path, roots, log)
	d.journal = raw
	if err := d.fill(ctx, raw, now); err != nil {
		return nil, errors.Join(fmt.Errorf("make the data directory %s: %w", path, err), raw.Close())
	}
	return d, nil
}

// fill makes everything in the directory; the note that it is complete comes last.
func (d *Dir) fill(ctx context.Context, raw store.Store, now time.Time) error {
	ca, err := pki.NewCA(now)
	if err != nil {
		return err
	}
	if err := ca.Save(d.file(caCertFile), d.file(caKeyFile)); err != nil {
		return err
	}
	if err := d.newRoot(ctx, raw, now); err != nil {
		return err
	}
	if err := d.use(ca); err != nil {
		return err
	}
	if err := d.addAdmin(now); err != nil {
		return errors.Join(err, d.Audit.Close())
	}
	return raw.Update(context.Background(), func(w store.Writer) error {
		return w.Put(formatBucket, formatKey, []byte(format))
	})
}

// addAdmin makes the administrator's identity.
func (d *Dir) addAdmin(now time.Time) error {
	if err := os.Mkdir(d.file(AdminDir), 0o700); err != nil {
		return err
	}
	pair, err := d.newClient(AdminName, now)
	if err != nil {
		return err
	}
	if err := d.saveAdmin(pair); err != nil {
		return err
	}
	_, err = d.Endpoints.Add(context.Background(), AdminName, pair.Certificate, endpoint.Options{Admin: true})
	return err
}

func (d *Dir) newClient(name string, now time.Time) (pki.Pair, error) {
	key, err := pki.NewKey()
	if err != nil {
		return pki.Pair{}, err
	}
	cert, err := d.CA.IssueClient(name, key.Public(), pki.ClientLife, now)
	return pki.Pair{Certificate: cert, Key: key}, err
}

func (d *Dir) saveAdmin(pair pki.Pair) error {
	roots, err := d.Roots()
	if err != nil {
		return err
	}
	return SaveClient(d.file(AdminDir), pair, roots)
}

// checkComplete says whether the making of the directory came to its end.
func checkComplete(raw store.Store, path string) error {
	var version string
	var restoring bool
	err := raw.View(func(r store.Reader) error {
		v, _, err := r.Get(formatBucket, formatKey)
		if err == nil {
			version = string(v)
			_, restoring, err = r.Get(formatBucket, restoringKey)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case restoring:
		return fmt.Errorf("the data directory %s is half restored: 'dbkeyring restore' was interrupted there. Remove what is in it, then restore again", path)
	case version == "":
		return fmt.Errorf("the data directory %s is half made: its first start was interrupted, before any key was kept in it. Remove what is in it, then start again", path)
	case version != format && version != formatBefore:
		return fmt.Errorf("the data directory %s has format %s, and this program knows %s. Use the version of dbkeyring that made it, or a later one", path, version, format)
	}
	return nil
}
