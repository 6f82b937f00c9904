// Package encryptor is what WiredTiger's encryptor does behind its C shim: the key store
// of a database is opened, and its blocks are encrypted and decrypted. Handles stand for
// Go's values on the other side of the border.
package encryptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/internal/blockcipher"
	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// Reader reads a configuration file; [mongod.Read] is one.
type Reader func(file string, base config.Base) (mongod.Options, mongod.Report, error)

// Encryptors are what a process has opened. Their methods may be called from any thread.
type Encryptors struct {
	read Reader
	stop func(waits bool) error // ends the host cleanly, or says why it cannot

	mu        sync.RWMutex
	databases []*database
	ciphers   atomic.Pointer[[]*cipher] // by handle - 1; a released one stays as nil
}

// New returns a set with nothing in it. stop ends the host; see [StopHost].
func New(read Reader, stop func(waits bool) error) *Encryptors {
	e := &Encryptors{read: read, stop: stop}
	e.ciphers.Store(&[]*cipher{})
	return e
}

// database is an open one.
type database struct {
	emit  bridge.Emit
	waits bool // see Open
	queue *hostlog.Queue
	log   *slog.Logger

	mode     blockcipher.Mode
	store    *masterkey.Store
	provider masterkey.Provider
	plan     plan
	end      context.CancelFunc // of the poll
	polled   chan struct{}      // closed when it has ended

	mu       sync.Mutex
	isNew    bool // there are no data yet
	prepared bool // the system's keyid has its keys
}

// cipher is one keyid's.
type cipher struct {
	*blockcipher.Cipher
	of *database
}

const (
	logLines     = 256
	roundTimeout = 30 * time.Second
)

func (d *database) flush() { d.queue.Flush(d.emit) }

// limit is how long the key servers may take in all.
func limit(o mongod.Options) time.Duration {
	if o.KMIP == nil {
		return roundTimeout
	}
	// A few exchanges, each of which may go through the servers so often.
	return roundTimeout + time.Duration(4*max(o.KMIP.Attempts, 1))*(o.KMIP.Timeout+time.Second)
}

// Open reads the configuration and opens the key store of the database. Where it fails,
// reason says why. waits: the host blocks SIGTERM, and so waits for it.
func (e *Encryptors) Open(file string, waits bool, emit bridge.Emit) (h bridge.Handle, reason string, code bridge.Code) {
	q := hostlog.NewQueue(logLines)
	d := &database{emit: emit, waits: waits, queue: q, log: slog.New(q.Handler(slog.LevelWarn))}
	defer d.flush()
	var err error
	defer func() { reason, code = told(err) }()
	defer catch(&err)
	if err = d.open(file, e.read); err != nil {
		return 0, "", 0
	}
	e.watch(d)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.databases = append(e.databases, d)
	return bridge.Handle(len(e.databases)), "", 0
}

// open leaves nothing open on an error.
func (d *database) open(file string, read Reader) error {
	if file == "" {
		return errors.New(`the extension has no configuration: name mongod.conf with config={path="/etc/mongod.conf"}`)
	}
	o, report, err := read(file, config.CurrentBase())
	for _, w := range report.Warnings {
		d.log.Warn(w)
	}
	if err != nil {
		return err
	}
	defer o.Wipe()
	if !o.Enabled {
		return fmt.Errorf("%s: security.enableEncryption is not true, and the encryptor is loaded. Set it to true, or take the encryptor out", file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit(o))
	defer cancel()
	p, err := provider.Open(ctx, provider.Options{KeyFile: o.KeyFile, KMIP: o.KMIP, AWSKMS: o.AWSKMS}, d.log)
	if err != nil {
		return err
	}
	if d.isNew, err = masterkey.NewDatabase(o.DBPath); err != nil {
		p.Close()
		return err
	}
	options := masterkey.Options{Dir: filepath.Join(o.DBPath, masterkey.FolderName), Provider: p, KeyIdentifier: o.KeyIdentifier, Activate: o.Activate, New: d.isNew, Log: d.log}
	if o.Rotate {
		defer p.Close()
		return rotated(ctx, options)
	}
	d.store, err = masterkey.Open(ctx, options)
	if err != nil {
		p.Close()
		return err
	}
	d.provider, d.mode = p, o.Cipher
	d.watchPlan(o)
	return nil
}

// rotated does what rotateMasterKey asks for. The host must not go on: the document has
// it exit, and start again without the option.
func rotated(ctx context.Context, o masterkey.Options) error {
	old, fresh, err := masterkey.Rotate(ctx, masterkey.Rotation{Options: o})
	if err != nil {
		return err
	}
	return fmt.Errorf("the master key has been rotated, from %s to %s. Take rotateMasterKey out of the configuration, and start again", old, fresh)
}

// told is an error for the host.
func told(err error) (string, bridge.Code) {
	if err == nil {
		return "", bridge.OK
	}
	return strings.ReplaceAll(err.Error(), "\n", "; "), bridge.CodeOf(err)
}

func (e *Encryptors) database(h bridge.Handle) *database {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if h == 0 || int(h) > len(e.databases) {
		return nil
	}
	return e.databases[h-1]
}

// Customize makes the cipher of a keyid. The first one of a database is the system's,
// which a database with data must have already.
func (e *Encryptors) Customize(h bridge.Handle, keyid string) (c bridge.Handle, expansion int, reason string, code bridge.Code) {
	d := e.database(h)
	if d == nil {
		return 0, 0, "the database is not open", bridge.Invalid
	}
	defer d.flush()
	var err error
	defer func() { reason, code = told(err) }()
	defer catch(&err)
	var made *blockcipher.Cipher
	if made, err = d.cipher(keyid); err != nil {
		return 0, 0, "", 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	all := append(append([]*cipher{}, *e.ciphers.Load()...), &cipher{made, d})
	e.ciphers.Store(&all)
	return bridge.Handle(len(all)), made.Expansion(), "", 0
}

func (d *database) cipher(keyid string) (*blockcipher.Cipher, error) {
	d.mu.Lock()
	mayMake := d.isNew || d.prepared
	d.mu.Unlock()
	keys, err := d.store.DataKeys(keyid, mayMake)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.prepared = true
	d.mu.Unlock()
	defer func() {
		for _, k := range keys {
			k.Key.Wipe()
		}
	}()
	return blockcipher.New(d.mode, keyid, keys...)
}

var errReleased = errors.New("the cipher was released")

func (e *Encryptors) cipher(h bridge.Handle) *cipher {
	all := *e.ciphers.Load()
	if h == 0 || int(h) > len(all) {
		return nil
	}
	return all[h-1]
}

// Encrypt writes a block; dst has the expansion more bytes than src, or more.
func (e *Encryptors) Encrypt(h bridge.Handle, dst, src []byte) (int, error) {
	c := e.cipher(h)
	if c == nil {
		return 0, errReleased
	}
	c.of.flush()
	return c.Seal(dst, src)
}

// Decrypt reads a block; dst is as long as src.
func (e *Encryptors) Decrypt(h bridge.Handle, dst, src []byte) (int, error) {
	c := e.cipher(h)
	if c == nil {
		return 0, errReleased
	}
	n, err := c.Open(dst, src)
	if err != nil {
		c.of.log.Error("a block cannot be read: " + err.Error())
	}
	c.of.flush()
	return n, err
}

// Release wipes a cipher.
func (e *Encryptors) Release(h bridge.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.cipher(h)
	if c == nil {
		return
	}
	all := append([]*cipher{}, *e.ciphers.Load()...)
	all[h-1] = nil
	e.ciphers.Store(&all)
	c.Wipe()
}

// Close ends a database: its ciphers, the poll, the key store.
func (e *Encryptors) Close(h bridge.Handle) bridge.Code {
	d := e.database(h)
	if d == nil {
		return bridge.Invalid
	}
	for i, c := range *e.ciphers.Load() {
		if c != nil && c.of == d {
			e.Release(bridge.Handle(i + 1))
		}
	}
	e.mu.Lock()
	e.databases[h-1] = nil
	e.mu.Unlock()
	d.end()
	select {
	case <-d.polled:
	case <-time.After(2 * time.Second): // the host is ending: leave the rest to it
	}
	d.flush()
	return bridge.CodeOf(errors.Join(d.store.Close(), d.provider.Close()))
}
