package bridge

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// A fault that lasts must not fill the host's log: the first failure is told at
// once, those alike are counted and told with the next line.
const (
	repeatInterval = time.Minute // how often a line about the same fault is written
	maxRepeats     = 64          // how many faults are told apart
)

// repeats remembers which failures the log has.
type repeats struct {
	mu   sync.Mutex
	told map[string]*told
}

type told struct {
	at     time.Time // of the last line
	more   int       // failures since, which have no line
	outage bool      // it ends when the key server answers
}

// line returns what the log shall say of a failed call, or "" if it has said so
// a short while ago.
func (r *repeats) line(code Code, err error) string {
	text, outage := err.Error(), code == Unreachable || code == Denied
	key := text
	if outage {
		key = causeOf(err) // one line for the server, not one for each key
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if t := r.told[key]; t != nil {
		if now.Sub(t.at) < repeatInterval {
			t.more++
			return ""
		}
		if t.more > 0 {
			text += fmt.Sprintf(" (%d more calls failed like this since the last such line)", t.more)
		}
	}
	if len(r.told) >= maxRepeats || r.told == nil {
		r.told = map[string]*told{}
	}
	r.told[key] = &told{at: now, outage: outage}
	return "Could not " + text
}

// answered forgets the outages and returns how many of their failures the log
// lacks.
func (r *repeats) answered() (more int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, t := range r.told {
		if t.outage {
			more += t.more
			delete(r.told, key)
		}
	}
	return more
}

// causeOf is the error's text without the operation and the key.
func causeOf(err error) string {
	var e *keyring.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	return err.Error()
}
