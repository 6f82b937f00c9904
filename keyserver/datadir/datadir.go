// Package datadir is the key server's data directory: what lies in it, how it is
// made, and what is checked before it is used.
//
//	store.db                 objects and endpoints, encrypted under the root key
//	store.journal.0, .1      the newest changes, as long as the server runs, or when it
//	                         did not end by itself
//	root_key.pem             the root key, if it is a file's: without it the store
//	                         cannot be read
//	ca_certificate.pem       the CA that signs server and clients, and its key;
//	ca_key.pem               renewed at start when it is time
//	server_certificate.pem   renewed at start and daily when it is time
//	server_key.pem
//	server_ca.pem            the CA of the certificate that the server was given, if any
//	audit.log                one JSON line for each operation
//	admin/                   the administrator's certificate, key and CA
//	admin.sock               while the server runs
//
// store.db is made first and locked as long as the directory is in use; the note
// that the directory is complete is the last thing written into it. So a first
// start that was cut off is told apart from a directory that lost a file.
package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/bolt"
	"github.com/dbkeyring/dbkeyring/keyserver/store/journal"
)

// The names of the files.
const (
	storeFile      = "store.db"
	journalFile    = "store.journal" // .0 and .1
	rootKeyFile    = "root_key.pem"
	caCertFile     = "ca_certificate.pem"
	caKeyFile      = "ca_key.pem"
	serverCertFile = "server_certificate.pem"
	serverKeyFile  = "server_key.pem"
	serverCAFile   = "server_ca.pem"
	auditFile      = "audit.log"

	// AdminDir is the folder with the administrator's certificate, key and CA.
	AdminDir = "admin"
	// SocketFile is the admin socket.
	SocketFile = "admin.sock"
)

// lostFound is in an empty file system.
const lostFound = "lost+found"

// AdminName is the name of the endpoint that administrates.
const AdminName = "admin"

// The kinds of error that a caller has a cure for.
var (
	// ErrNone: there is no data directory.
	ErrNone = errors.New("there is no data directory")
	// ErrInUse: another process uses the directory.
	ErrInUse = errors.New("another process uses it")
	// ErrJournal: the store's journal is damaged.
	ErrJournal = journal.ErrDamaged
)

// Dir is an open data directory. Nobody else has it open.
type Dir struct {
	Path      string
	CA        *pki.CA
	Store     store.Store // encrypts; closed by Close
	Endpoints *endpoint.Registry
	Audit     *audit.Log
	Program   string // version of this program, for the manifest of a backup

	roots    rootkey.Sources
	journal  *journal.Store
	raw      store.Store   // without encryption
	sealed   *store.Sealed // the same as Store
	rotation sync.Mutex    // held while the root key is changed; guards rootKey
	rootKey  rootkey.Key   // open; nil: it seals the values itself
	unsure   error         // why the root key cannot be changed any more; guarded by rotation
	rootMu   sync.Mutex
	root     RootKey

	auditMu   sync.Mutex
	auditHead audit.Head // the newest that was kept
	closed    bool

	log *slog.Logger
}

// absolute makes the path independent of the current directory.
func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("the data directory %s: %w", dir, err)
	}
	return abs, nil
}

// newDir is a directory that has nothing open. roots are the kinds of root key besides
// that of a file.
func newDir(path string, roots rootkey.Sources, log *slog.Logger) *Dir {
	d := &Dir{Path: path, roots: rootkey.Sources{}, log: log}
	maps.Copy(d.roots, roots)
	d.roots[rootkey.KindFile] = rootkey.File{Beside: d.file(rootKeyFile)}
	return d
}

// Open opens the data directory at path, with roots for the kinds of root key besides
// that of a file. ErrNone: there is none, or an empty folder. ErrInUse: another process
// has it open. [rootkey.ErrWrong]: it has another root key.
func Open(ctx context.Context, path string, roots rootkey.Sources, log *slog.Logger) (*Dir, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	empty, err := inspect(path)
	if err != nil {
		return nil, err
	}
	if empty {
		return nil, fmt.Errorf("%w at %s", ErrNone, path)
	}
	raw, err := openStore(path, log)
	if err != nil {
		return nil, err
	}
	d := newDir(path, roots, log)
	d.journal = raw
	if err := d.load(ctx, raw); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return d, nil
}

// OpenOrCreate opens the data directory at path, and makes it if there is none.
// created says so.
func OpenOrCreate(ctx context.Context, path string, roots rootkey.Sources, log *slog.Logger) (d *Dir, created bool, err error) {
	d, err = Open(ctx, path, roots, log)
	if !errors.Is(err, ErrNone) {
		return d, false, err
	}
	d, err = create(ctx, path, roots, log, time.Now())
	return d, true, err
}

// inspect checks the folder itself. empty: it is not there, or nothing is in it.
func inspect(path string) (empty bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("the data directory: %w", err)
	}
	if !info.IsDir() {
		return false, fmt.Errorf("the data directory %s is a file. Give a folder", path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false, fmt.Errorf("the data directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != lostFound {
			names = append(names, e.Name())
		}
	}
	ours := slices.ContainsFunc(names, func(name string) bool { return name == storeFile || name == rootKeyFile || name == caKeyFile })
	switch mode := info.Mode().Perm(); {
	case len(names) > 0 && !ours: // told before its mode: nobody shall close a folder of others
		return false, fmt.Errorf("the folder %s is no data directory of dbkeyring, and not empty (%s). Use an empty folder, or one that does not exist yet",
			path, firstFew(names))
	case mode&0o027 != 0:
		return false, fmt.Errorf("the data directory %s is open to others (mode %#o), and private keys lie in it. Run: chmod 700 %s", path, mode, path)
	case ours && !slices.Contains(names, storeFile):
		return false, fmt.Errorf("the data directory %s has lost its %s, which holds all keys. Restore it from a backup", path, storeFile)
	}
	return !ours, nil
}

func firstFew(names []string) string {
	const few = 5
	if len(names) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
	}
	return strings.Join(names, ", ")
}

// openBase opens the store below the journal, and locks the directory.
func openBase(path string) (*bolt.Store, error) {
	base, err := bolt.Open(filepath.Join(path, storeFile))
	if errors.Is(err, bolt.ErrLocked) {
		return nil, fmt.Errorf("the data directory %s: %w, most likely a running 'dbkeyring serve'", path, ErrInUse)
	}
	return base, err
}

// openStore opens the store with its journal.
func openStore(path string, log *slog.Logger) (*journal.Store, error) {
	base, err := openBase(path)
	if err != nil {
		return nil, err
	}
	raw, err := journal.Open(base, filepath.Join(path, journalFile), log)
	if err != nil {
		return nil, errors.Join(err, base.Close())
	}
	return raw, nil
}

// ForgetJournal lets the directory at path be opened without a journal that is damaged.
// What was written in the seconds before the crash is lost, if it was nowhere else. An
// error that is [journal.ErrWhole] means that nothing was done.
func ForgetJournal(path string) error {
	path, err := absolute(path)
	if err != nil {
		return err
	}
	if empty, err := inspect(path); err != nil || empty {
		return errors.Join(err, fmt.Errorf("%w at %s", ErrNone, path))
	}
	base, err := openBase(path)
	if err != nil {
		return err
	}
	return errors.Join(journal.Forget(base, filepath.Join(path, journalFile)), base.Close())
}

// load opens what lies beside the store.
func (d *Dir) load(ctx context.Context, raw store.Store) error {
	if err := checkComplete(raw, d.Path); err != nil {
		return err
	}
	ca, err := pki.LoadCA(d.file(caCertFile), d.file(caKeyFile))
	if err != nil {
		return fmt.Errorf("the data directory %s is incomplete: %w. Restore what is missing from a backup", d.Path, err)
	}
	if err := d.unlock(ctx, raw); err != nil {
		return err
	}
	if ca, err = d.renewCA(ca, time.Now()); err != nil {
		return err
	}
	return d.use(ca)
}

// use takes the opened parts into d.
func (d *Dir) use(ca *pki.CA) error {
	s := d.sealed
	endpoints, err := endpoint.Open(s)
	if err != nil {
		return err
	}
	heads, err := auditHeads(s)
	if err != nil {
		return err
	}
	if len(heads) > 0 {
		d.auditHead = heads[len(heads)-1]
	}
	log, err := audit.Open(d.file(auditFile), d.auditHead, d.log)
	if err != nil {
		return err
	}
	d.CA, d.Store, d.Endpoints, d.Audit = ca, s, endpoints, log
	return nil
}

func (d *Dir) file(name string) string { return filepath.Join(d.Path, name) }

// Close closes everything, the store last. The end of the audit log is kept before.
func (d *Dir) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	err := errors.Join(d.KeepAuditHead(context.Background()), d.Audit.Close(), d.Store.Close())
	d.rotation.Lock() // one that goes on finds the store closed
	defer d.rotation.Unlock()
	if d.rootKey != nil {
		d.rootKey.Wipe()
	}
	return err
}

// JournalErr returns why the newest changes cannot be brought into the store's file, or
// nil. They are taken, and safe, until the journal is full.
func (d *Dir) JournalErr() error { return d.journal.Err() }

// StoreSize returns the size of the store's file in bytes.
func (d *Dir) StoreSize() (int64, error) {
	info, err := os.Stat(d.file(storeFile))
	if err != nil {
		return 0, fmt.Errorf("the size of the key store: %w", err)
	}
	return info.Size(), nil
}
