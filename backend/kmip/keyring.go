// Package kmip keeps keys as objects on KMIP servers, in the way of Percona's
// component_keyring_kmip, so that a database can change between the two without
// encrypting anything again; or, with [ProfileOKV], as objects whose content the
// server makes, in the way of MySQL's keyring_okv.
//
// Unless [Options].NoCache is set, all keys are read at [Open] and kept in memory:
// a database asks for a key once per encrypted table. A key that is not in memory
// is asked for on the server, so that "there is none" is always the server's word, never an outage's.
package kmip

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Keyring is the back end. Open makes one.
type Keyring struct {
	o   Options
	log *slog.Logger

	// writing is held by who changes keys on the server, or replaces all keys here:
	// a mutex that a context can leave.
	writing chan struct{}

	mu     sync.RWMutex // guards what follows
	client *kmipclient.Client
	*loaded
	loadedAt time.Time
	changes  int                          // counts removals and reloads
	warned   map[string]bool              // inactive objects that the log knows of
	pending  map[keyring.ID]*secret.Bytes // keys whose Store or Generate failed half-way
	// unfinished is in place of pending with ProfileOKV: those operations' marks.
	unfinished map[keyring.ID]string
	// pendingAt is the server where each of pending may be.
	pendingAt map[keyring.ID]string
	closed    bool
}

var _ interface { // compiler check
	keyring.Keyring
	keyring.NativeIDer
	keyring.StateReporter
	keyring.Reloader
	keyring.StatusReporter
} = (*Keyring)(nil)

const (
	defaultTimeout      = 5 * time.Second
	defaultStartTimeout = 10 * time.Second
	defaultMaxObjects   = 65535
)

var errClosed = errors.New("the keyring is closed")

// Open connects to the key servers and reads all keys, within
// Options.StartTimeout. It keeps o.ClientKeyPassword for reloads and wipes it
// on Close. A nil log logs nothing.
func Open(ctx context.Context, o Options, log *slog.Logger) (keyring.Keyring, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.StartTimeout <= 0 {
		o.StartTimeout = defaultStartTimeout
	}
	if o.Profile == ProfileOKV && o.ProtocolVersion == "" {
		o.ProtocolVersion = "1.1"
	}
	o.ClientKeyPassword = o.ClientKeyPassword.Clone()
	r := &Keyring{o: o, log: log, writing: make(chan struct{}, 1), loaded: &loaded{},
		warned: map[string]bool{}, pending: map[keyring.ID]*secret.Bytes{}, unfinished: map[keyring.ID]string{}, pendingAt: map[keyring.ID]string{}}
	if err := r.reload(ctx, "open"); err != nil {
		o.ClientKeyPassword.Wipe()
		return nil, err
	}
	return r, nil
}

// Reload reads the certificates and all keys again. On an error the old ones
// stay in use.
func (r *Keyring) Reload(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return r.fault("reload", keyring.ID{}, err)
	}
	defer r.end()
	return r.reload(ctx, "reload")
}

func (r *Keyring) reload(ctx context.Context, op string) error {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, r.o.StartTimeout)
	defer cancel()
	started := time.Now()
	client, err := r.o.connect(r.log)
	if err != nil {
		return r.fault(op, keyring.ID{}, err)
	}
	l, err := r.load(ctx, client)
	if cutOff(err) && ctx.Err() == nil {
		// A key server that restarts, say: a failure would cost a starting database
		// its tables.
		r.log.Info("the connection was cut while the keys were read; reading them again", "cause", err)
		l, err = r.load(ctx, client)
	}
	if err != nil {
		client.Close()
		if ctx.Err() != nil && outer.Err() == nil {
			err = &StartTimeoutError{r.o.StartTimeout, err}
		}
		return r.fault(op, keyring.ID{}, err)
	}
	r.mu.Lock()
	oldClient, old := r.client, r.loaded
	doubtful := 0
	if len(r.o.Servers) > 1 {
		doubtful = l.inherit(old)
	}
	r.client, r.loaded, r.loadedAt = client, l, time.Now()
	r.changes++
	clear(r.warned)
	closed := r.closed
	r.mu.Unlock()
	if closed {
		r.Close()
		return r.fault(op, keyring.ID{}, errClosed)
	}
	old.wipe()
	if oldClient != nil {
		oldClient.Close()
	}
	s := client.Status()
	if doubtful > 0 {
		r.log.Warn("the key server lacks keys that were in use; each is asked for on the others when it is needed", "server", s.Server, "keys", doubtful)
	}
	r.sweep(ctx)
	r.log.Info("the keys are read", "server", s.Server, "kmip", s.Version.String(), "keys", len(l.keys), "in", time.Since(started).Round(time.Millisecond))
	return nil
}

// connect reads the certificates and makes a client, which connects when it is
// first used.
func (o *Options) connect(log *slog.Logger) (*kmipclient.Client, error) {
	pair, err := pemkey.LoadPair(o.ClientCertFile, o.ClientKeyFile, o.ClientKeyPassword)
	errs := []error{err}
	var pool *x509.CertPool
	if !o.SkipPeerVerification || o.ServerCAFile != "" {
		pool, err = pemkey.LoadPool(o.ServerCAFile)
		errs = append(errs, err)
	}
	version := kmip.Version{}
	if o.ProtocolVersion != "" {
		version, err = kmip.ParseVersion(o.ProtocolVersion)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, &optionError{err}
	}
	tls := tlsconf.NewClient(tlsconf.ClientOptions{
		Certificate: pair, ServerCA: pool,
		SkipPeerVerification: o.SkipPeerVerification, SkipHostnameVerification: o.SkipHostnameVerification,
	})
	c, err := kmipclient.New(kmipclient.Options{
		Servers: o.Servers, Handshake: tls.Handshake, Timeout: o.Timeout, ConnectTimeout: o.ConnectTimeout, Version: version, Logger: log,
	})
	if err != nil {
		return nil, &optionError{err}
	}
	return c, nil
}

// begin waits for the right to write, within the timeout of an exchange.
func (r *Keyring) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case r.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		<-r.writing
		return errClosed
	}
	return nil
}

func (r *Keyring) end() { <-r.writing }

func (r *Keyring) connection() *kmipclient.Client {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.client
}

// List returns the IDs of all keys in memory.
func (r *Keyring) List(context.Context) ([]keyring.ID, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, r.fault("list", keyring.ID{}, errClosed)
	}
	ids := make([]keyring.ID, 0, len(r.keys))
	for id := range r.keys {
		ids = append(ids, id)
	}
	return ids, nil
}

// Close wipes all keys and ends the connection.
func (r *Keyring) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.loaded.wipe()
	clear(r.keys)
	for _, b := range r.pending {
		b.Wipe()
	}
	clear(r.pending)
	clear(r.pendingAt)
	r.o.ClientKeyPassword.Wipe()
	if r.client != nil {
		r.client.Close()
	}
	return nil
}
