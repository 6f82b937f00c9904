package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
)

const (
	defaultCallTimeout = 30 * time.Second
	defaultOpenTimeout = time.Minute
	closeTimeout       = 2 * time.Second
	logLines           = 256

	// An outage passes by itself, so it is asked often. What somebody has to mend is
	// asked at the slower pace.
	firstRetry, lastRetry         = 500 * time.Millisecond, 10 * time.Second
	firstSlowRetry, lastSlowRetry = 10 * time.Second, time.Minute

	notReloaded = "The keyring was not reloaded, the keys of the last load stay in use: "
)

// instance is one component in one host.
type instance struct {
	component string
	reload    string // the host's statement that loads the keyring again
	dialect   Dialect
	emit      Emit
	queue     *hostlog.Queue
	log       *slog.Logger

	current atomic.Pointer[state]               // nil until a load succeeds
	rows    atomic.Pointer[[]keyring.StatusRow] // the configuration of the last load
	loading sync.Mutex                          // one load at a time, the background's too
	closed  bool                                // under loading
	missed  bool                                // under loading: the host started without its keys
	retry   atomic.Pointer[context.CancelFunc]  // stops the background's tries
	repeats repeats
	staging staging
	beside  sync.Once // says that there is another keyring
}

// state is what one successful load made.
type state struct {
	keyring keyring.Keyring
	rows    []keyring.StatusRow
	timeout time.Duration
	broken  atomic.Bool

	use     sync.RWMutex // held shared by each call, alone to retire the state
	retired bool         // under use
}

func newInstance(component, reload string, dialect Dialect, emit Emit) *instance {
	q := hostlog.NewQueue(logLines)
	return &instance{
		component: component, reload: reload, dialect: dialect, emit: emit,
		queue: q, log: slog.New(q.Handler(slog.LevelInfo)),
	}
}

func (in *instance) flush() { in.queue.Flush(in.emit) }

// Load reads the configuration and, unless offline, opens the keyring. Later
// calls reload: they build the new state aside and swap it in on success only.
//
// When nothing is loaded yet and the key server could not be reached, or it refuses,
// Load fails and goes on trying in the background until it succeeds, or Load or Close
// is called.
func (b *Bridge) Load(h Handle, req Request, offline bool) Code {
	in := b.instance(h)
	if in == nil {
		return Invalid
	}
	defer in.flush()
	in.stopRetry()
	in.loading.Lock()
	defer in.loading.Unlock()
	if in.closed {
		return NotLoaded
	}
	b.noteOthers(in, req)
	req.Component, req.Log = in.component, in.log
	config, err := in.configure(req)
	if err == nil && !offline {
		err = in.open(context.Background(), config)
	}
	if err == nil {
		config.wipe()
		return OK
	}
	code := codeOf(err)
	switch {
	case in.current.Load() != nil:
		in.log.Error(notReloaded + cause(err))
	case offline:
		in.log.Error("The keyring cannot be opened: " + cause(err))
	case code == Unreachable || code == Denied || code == Inactive: // where the cure is nowhere in this host
		in.log.Error("The keyring is not available yet: " + sentence(err) +
			" It is tried again in the background; " + in.reload + " tries at once.")
		in.missed = true
		in.startRetry(config, err)
		return code
	case code == Invalid && req.Final:
		in.log.Error("The keyring is not available: " + cause(err))
	default:
		in.log.Error("The keyring is not available: " + sentence(err) +
			" After the cure, " + in.reload + " loads it.")
		in.missed = true
	}
	config.wipe()
	return code
}

// configure reads the configuration and keeps its rows for the status table,
// unless an older state stays in use.
func (in *instance) configure(req Request) (config Config, err error) {
	err = protect(func() (err error) {
		inject("load", keyring.ID{})
		config, err = in.dialect(req)
		return err
	})
	if config.Status != nil && in.current.Load() == nil {
		in.rows.Store(&config.Status)
	}
	return config, err
}

// open opens the keyring and swaps it in. The caller holds in.loading.
func (in *instance) open(ctx context.Context, config Config) error {
	next, err := newState(ctx, config)
	if err == nil {
		in.use(next)
	}
	return err
}

func newState(ctx context.Context, config Config) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(config.OpenTimeout, defaultOpenTimeout))
	defer cancel()
	next := &state{rows: config.Status, timeout: cmp.Or(config.CallTimeout, defaultCallTimeout)}
	err := protect(func() (err error) { next.keyring, err = config.Open(ctx); return err })
	return next, err
}

// use swaps a state in. The caller holds in.loading.
func (in *instance) use(next *state) {
	in.answered()
	in.rows.Store(&next.rows)
	if last := in.current.Swap(next); last != nil {
		in.spawn(last.retire)
	}
	if in.missed {
		in.missed = false
		in.log.Warn("The keyring is available now. Tables that the server could not open without it stay closed until it is restarted.")
	}
}

// startRetry tries again in the background, at growing, jittered intervals. The log
// has the error already.
func (in *instance) startRetry(config Config, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	in.retry.Store(&cancel)
	in.spawn(func() {
		defer cancel()
		defer config.wipe()
		said := cause(err)
		for tries := 0; ; tries++ {
			wait := pause(tries, codeOf(err))
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait/2 + rand.N(wait/2)):
			}
			if err = in.tryAgain(ctx, config); err == nil {
				return
			}
			if text := cause(err); text != said { // once each, not every few seconds
				said = text
				in.log.Warn("The keyring is still not available: " + text)
			}
		}
	})
}

// pause is the time before the next try, after so many in the background and one that
// failed with the code.
func pause(tries int, code Code) time.Duration {
	first, last := firstRetry, lastRetry
	if code != Unreachable {
		first, last = firstSlowRetry, lastSlowRetry
	}
	return min(first<<min(tries, 16), last)
}

// tryAgain returns nil when there is nothing more to try.
func (in *instance) tryAgain(ctx context.Context, config Config) error {
	in.loading.Lock()
	defer in.loading.Unlock()
	if ctx.Err() != nil { // a Load or Close of the host overtook
		return nil
	}
	err := in.open(ctx, config)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// cause is the text of an error of opening without the words for that, since
// the line in the log begins with them.
func cause(err error) string {
	if e, ok := errors.AsType[*keyring.Error](err); ok && e.Op == "open" && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}

// sentence ends a cause as a sentence, for another to follow.
func sentence(err error) string { return strings.TrimSuffix(cause(err), ".") + "." }

// stopRetry ends the tries in the background, one that is under way too.
func (in *instance) stopRetry() {
	if cancel := in.retry.Swap(nil); cancel != nil {
		(*cancel)()
	}
}

func (in *instance) close() {
	in.stopRetry()
	done := make(chan struct{})
	in.spawn(func() {
		defer close(done)
		in.loading.Lock()
		defer in.loading.Unlock()
		in.closed = true
		in.staging.drop()
		if st := in.current.Swap(nil); st != nil {
			st.retire()
		}
	})
	select {
	case <-done:
	case <-time.After(closeTimeout): // the host is ending: leave the rest to it
	}
}

// retire waits for the calls in flight and closes the keyring.
func (st *state) retire() {
	st.use.Lock()
	defer st.use.Unlock()
	st.retired = true
	_ = st.keyring.Close() // nobody is left to act on the error
}

// acquire returns the current state, held shared, or nil.
func (in *instance) acquire() *state {
	for {
		st := in.current.Load()
		if st == nil {
			return nil
		}
		st.use.RLock()
		if !st.retired {
			return st
		}
		st.use.RUnlock() // a reload came between: take its state
	}
}

// answered ends an outage in the log.
func (in *instance) answered() {
	if n := in.repeats.answered(); n > 0 {
		in.log.Warn(fmt.Sprintf("The key server answers again. %d more calls had failed since the last line about it.", n))
	}
}

// do runs one call of the host on the keyring.
func (in *instance) do(op string, id keyring.ID, f func(context.Context, keyring.Keyring) error) Code {
	code, _ := in.within(0, op, id, f)
	return code
}

// within runs one call with a limit of its own; 0 is that of every call.
func (in *instance) within(limit time.Duration, op string, id keyring.ID, f func(context.Context, keyring.Keyring) error) (Code, error) {
	st := in.acquire()
	if st == nil {
		return NotLoaded, errNotLoaded
	}
	defer st.use.RUnlock()
	if st.broken.Load() {
		return Broken, errBroken
	}
	ctx := newDeadline(cmp.Or(limit, st.timeout))
	defer ctx.release()
	err := protect(func() error {
		inject(op, id)
		return f(ctx, st.keyring)
	})
	code := codeOf(err)
	in.judge(st, op, code, err)
	return code, err
}

// judge acts on how a call has ended: in the log, and on the state.
func (in *instance) judge(st *state, op string, code Code, err error) {
	switch {
	case code == OK && (op == "store" || op == "generate" || op == "remove"): // no cache answers these
		in.answered()
	case code == OK, code == TooSmall, code == Unsupported, code == NotFound && op != "remove":
	case code == Broken:
		st.broken.Store(true)
		in.log.Error("A fault in dbkeyring, please report it: " + err.Error() +
			". The keyring takes no more calls; " + in.reload + " opens a new one.")
	default:
		if line := in.repeats.line(code, err); line != "" {
			in.log.Error(line)
		}
	}
}
