package masterkey

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Poll is the watch over the state of the master key that is in use
// (security.kmip.keyStatePollingSeconds).
type Poll struct {
	Provider Provider
	Ref      Ref
	Period   time.Duration // between two questions; 0 is never
	// Timeout bounds each question. 0 is 30 s.
	Timeout time.Duration
	// Gone is called, once, when the key is not Active any more, or is not there: so
	// said the key server, and said it again to each of the questions within a minute.
	Gone func(reason string)
	Log  *slog.Logger
}

// again are the pauses before a bad answer is asked for again: a server that was just
// restored from a backup, or a standby, may be behind.
var again = [...]time.Duration{10 * time.Second, 20 * time.Second, 25 * time.Second}

// Run watches until the context ends, or the key is gone. A key server that does not
// answer is told in the log each time and is no reason for anything: the database has
// its keys.
func (p Poll) Run(ctx context.Context) {
	if p.Period <= 0 {
		return
	}
	for sleep(ctx, p.Period) {
		reason := p.ask(ctx)
		for _, pause := range again {
			if reason == "" {
				break
			}
			p.Log.Warn("the master key seems to be unusable; it is asked for again", "cause", reason)
			if !sleep(ctx, pause) {
				return
			}
			reason = p.ask(ctx)
		}
		if reason != "" && ctx.Err() == nil {
			p.Gone(reason)
			return
		}
	}
}

// ask returns why the key is not to be used any more; "" if it may be, or nobody says.
func (p Poll) ask(ctx context.Context) (reason string) {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	state, err := p.Provider.State(ctx, p.Ref)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "the master key " + p.Ref.String() + " is absent on the key server"
	case errors.Is(err, context.Canceled):
	case err != nil:
		p.Log.Error("the state of the master key cannot be asked for; the database runs on, and asks again", "key", p.Ref.ID, "after", p.Period, "cause", err)
	case state != Active:
		return "the master key " + p.Ref.String() + " is not Active but " + string(state)
	}
	return ""
}

// sleep says whether the time has passed, and the context not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
