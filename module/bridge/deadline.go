package bridge

import (
	"context"
	"sync"
	"time"
)

// deadline is a context with a deadline whose timer is made only when somebody
// waits for it. Most calls of a host are answered from memory, and a timer that is
// set and taken back for each of them wakes a thread of the Go runtime, which
// takes the processor from the host's own.
type deadline struct {
	at time.Time

	mu     sync.Mutex
	inner  context.Context // nil until somebody waits
	cancel context.CancelFunc
}

func newDeadline(after time.Duration) *deadline { return &deadline{at: time.Now().Add(after)} }

func (d *deadline) start() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.cancel = context.WithDeadline(context.Background(), d.at)
	}
	return d.inner
}

// release gives the timer back, if there is one.
func (d *deadline) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cancel != nil {
		d.cancel()
	}
}

// Deadline implements [context.Context].
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done implements [context.Context].
func (d *deadline) Done() <-chan struct{} { return d.start().Done() }

// Value implements [context.Context]. It lets package context find the inner
// context, so that contexts made from this one need no goroutine.
func (d *deadline) Value(key any) any { return d.start().Value(key) }

// Err implements [context.Context].
func (d *deadline) Err() error {
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Err()
	}
	if time.Now().Before(d.at) {
		return nil
	}
	return d.start().Err()
}
