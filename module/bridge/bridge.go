package bridge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Opener reads a component's configuration and opens its keyring.
//
// On an error the rows of what was read of the configuration may still be
// returned, for the host's status table. With Request.Offline the opener reads
// and checks the configuration and returns no keyring.
type Opener func(ctx context.Context, req Request) (Opened, error)

// Request is what an Opener gets to know.
type Request struct {
	Component     string // the component's name; its configuration file is Component + ".cnf"
	ComponentPath string // the folder of the component and of its global configuration file
	InstancePath  string // the data folder, for a local configuration file; "" if the host has none
	FirstDir      string // the current folder when the host loaded the component the first time

	// Offline: read and check the configuration, use no network.
	Offline bool
	// Quick: the host must go on within 2 s although the key server may be dead,
	// so one exchange with a server is bounded by ContactTimeout.
	Quick bool

	Log *slog.Logger
}

// ContactTimeout bounds an exchange with a key server when Request.Quick is set.
const ContactTimeout = 1200 * time.Millisecond

// Opened is what an Opener opened.
type Opened struct {
	Keyring keyring.Keyring
	Status  []keyring.StatusRow // the configuration, without secrets
	// CallTimeout bounds each call of the host. 0 means 30 s.
	CallTimeout time.Duration
}

// Handle names an instance or a snapshot to the host. 0 is never one.
type Handle uint64

// Emit writes a line into the host's log. It is called on the host's thread.
type Emit func(hostlog.Line)

// Bridge holds what hosts have opened.
type Bridge struct {
	openers map[string]Opener

	mu        sync.RWMutex
	last      Handle
	instances map[Handle]*instance
	snapshots map[Handle][]byte
}

// New returns a bridge with an opener for each component that it serves.
func New(openers map[string]Opener) *Bridge {
	return &Bridge{
		openers:   openers,
		instances: map[Handle]*instance{},
		snapshots: map[Handle][]byte{},
	}
}

// Open makes an instance for a component. It reads nothing: Load does.
// Invalid: this library does not serve such a component.
func (b *Bridge) Open(component string, emit Emit) (Handle, Code) {
	opener, ok := b.openers[component]
	if !ok {
		return 0, Invalid
	}
	in := newInstance(component, opener, emit)
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
