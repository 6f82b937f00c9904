package bridge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Dialect reads and checks the configuration of a component, without using the
// network. On an error the rows of what was understood may still be returned,
// for the host's status table.
type Dialect func(Request) (Config, error)

// Request is what a Dialect gets to know.
type Request struct {
	Component     string // the component's name; its configuration file is Component + ".cnf"
	ComponentPath string // the folder of the component and of its global configuration file
	InstancePath  string // the data folder, for a local configuration file; "" if the host has none
	FirstDir      string // the current folder when the host loaded the component the first time

	// Quick: the host must go on within 2 s although the key server may be dead,
	// so the exchanges with it are bounded by ContactTimeout.
	Quick bool

	// Several: the host has more than one keyring on purpose, as for a migration.
	Several bool

	// Final: with a wrong configuration the host gives up, so that it cannot be told
	// to load the keyring again.
	Final bool

	Log *slog.Logger
}

// ContactTimeout bounds the first contact with the key server, all its
// addresses together, when Request.Quick is set.
const ContactTimeout = time.Second

// Config is a configuration without faults.
type Config struct {
	Status []keyring.StatusRow // for the host's status table, without secrets
	// CallTimeout bounds each call of the host. 0 means 30 s.
	CallTimeout time.Duration
	// OpenTimeout bounds Open. 0 means a minute.
	OpenTimeout time.Duration
	// Open opens the keyring. It is called again after an outage, and by then
	// the host may have become another user.
	Open func(context.Context) (keyring.Keyring, error)
	// Wipe wipes the configuration's secrets once Open is not called any more.
	// It may be nil.
	Wipe func()
}

func (c Config) wipe() {
	if c.Wipe != nil {
		c.Wipe()
	}
}

// Handle names an instance or a snapshot to the host. 0 is never one.
type Handle uint64

// Emit writes a line into the host's log. It is called on the host's thread.
type Emit func(hostlog.Line)

// Bridge holds what hosts have opened.
type Bridge struct {
	dialects map[string]Dialect

	mu        sync.RWMutex
	last      Handle
	instances map[Handle]*instance
	snapshots map[Handle][]byte
}

// New returns a bridge with a dialect for each component that it serves.
func New(dialects map[string]Dialect) *Bridge {
	return &Bridge{
		dialects:  dialects,
		instances: map[Handle]*instance{},
		snapshots: map[Handle][]byte{},
	}
}

// Open makes an instance for a component. It reads nothing: Load does. reload is
// the statement of the host's language that loads a keyring again, for advice in
// the log. Invalid: this library does not serve such a component.
func (b *Bridge) Open(component, reload string, emit Emit) (Handle, Code) {
	dialect, ok := b.dialects[component]
	if !ok {
		return 0, Invalid
	}
	in := newInstance(component, reload, dialect, emit)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	b.instances[b.last] = in
	return b.last, OK
}

// Close ends an instance: it waits for the calls in flight, wipes what is cached
// and closes connections, all within closeTimeout. Invalid: no such handle.
func (b *Bridge) Close(h Handle) Code {
	b.mu.Lock()
	in := b.instances[h]
	delete(b.instances, h)
	b.mu.Unlock()
	if in == nil {
		return Invalid
	}
	defer in.flush()
	in.close()
	return OK
}

func (b *Bridge) instance(h Handle) *instance {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.instances[h]
}
