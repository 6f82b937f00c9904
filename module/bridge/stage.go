package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Some hosts change to another configuration in two steps: one that may take its
// time and may refuse, and one that must be quick and cannot. Stage opens the
// keyring of the other configuration aside; Commit puts it in the place of the
// old one and uses no network.

// stagedFor is how long an opened keyring waits for its Commit: a host may decide
// otherwise after the first step and say nothing.
const stagedFor = time.Minute

// staging holds the states that were opened and are not in use yet, by the
// ComponentPath of their Request.
type staging struct {
	mu     sync.Mutex
	closed bool
	states map[string]*state
}

// put keeps a state in the place of an older one of its path.
func (s *staging) put(path string, st *state) {
	s.mu.Lock()
	old := s.states[path]
	if s.closed {
		old = st
	} else {
		if s.states == nil {
			s.states = map[string]*state{}
		}
		s.states[path] = st
	}
	s.mu.Unlock()
	if old != nil {
		old.retire()
	}
}

// take returns the state of a path and forgets it; nil if there is none.
func (s *staging) take(path string) *state {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.states[path]
	delete(s.states, path)
	return st
}

// expire closes st if it still waits.
func (s *staging) expire(path string, st *state) {
	s.mu.Lock()
	waits := s.states[path] == st
	if waits {
		delete(s.states, path)
	}
	s.mu.Unlock()
	if waits {
		st.retire()
	}
}

// drop closes all that wait, and each that would come.
func (s *staging) drop() {
	s.mu.Lock()
	states := s.states
	s.states, s.closed = nil, true
	s.mu.Unlock()
	for _, st := range states {
		st.retire()
	}
}

// Stage reads a configuration and opens its keyring; what is in use stays in use.
// The keyring then waits for a Commit of the same ComponentPath, a minute at most.
// Where it fails, reason says why.
func (b *Bridge) Stage(h Handle, req Request) (reason string, code Code) {
	in := b.instance(h)
	if in == nil {
		return "", Invalid
	}
	defer in.flush()
	b.noteOthers(in, req)
	req.Component, req.Log = in.component, in.log
	config, err := in.configure(req)
	var next *state
	if err == nil {
		next, err = newState(context.Background(), config)
	}
	config.wipe()
	if err != nil {
		text := "The keyring cannot be opened: "
		if in.current.Load() != nil {
			text = notReloaded
		}
		in.log.Error(text + cause(err))
		return cause(err), codeOf(err)
	}
	in.staging.put(req.ComponentPath, next)
	time.AfterFunc(stagedFor, func() {
		_ = protect(func() error { in.staging.expire(req.ComponentPath, next); return nil })
	})
	return "", OK
}

// Commit puts the keyring that Stage opened for a path in use. NotLoaded: none
// waits, and what is in use stays in use.
func (b *Bridge) Commit(h Handle, componentPath string) Code {
	in := b.instance(h)
	if in == nil {
		return Invalid
	}
	defer in.flush()
	in.stopRetry()
	in.loading.Lock()
	defer in.loading.Unlock()
	next := in.staging.take(componentPath)
	if next == nil {
		return NotLoaded
	}
	in.use(next)
	return OK
}

// noteOthers warns once that the process has another keyring of ours.
func (b *Bridge) noteOthers(in *instance, req Request) {
	if req.Several {
		return
	}
	var others []string
	b.mu.RLock()
	for _, other := range b.instances {
		if other != in {
			others = append(others, other.component)
		}
	}
	b.mu.RUnlock()
	if len(others) == 0 {
		return
	}
	slices.Sort(others)
	in.beside.Do(func() {
		in.log.Warn(fmt.Sprintf("%s is loaded beside %s, and the server asks only one of them for its keys (a component before a plugin). Take one out of the manifest or the option file.",
			in.component, strings.Join(others, " and ")))
	})
}
