package kmipserver

import (
	"container/list"
	"sync"
	"time"
)

// admit asks whether a client may have the connection.
func (s *Server) admit(p Peer) (leave func(), err error) {
	if s.o.Admit == nil || p.Certificate == nil {
		return func() {}, nil
	}
	if leave, err = s.o.Admit(p.Certificate); err != nil {
		s.o.Stats.Refused.Add(1)
		s.log.Warn("a connection was closed", "from", p.Address, "reason", err)
	}
	return leave, err
}

// connSet is the connections that are open.
type connSet struct {
	mu       sync.Mutex
	open     map[*conn]*list.Element // its place in handshakes; nil once it is through
	strange  list.List               // the *conn in their handshake, the oldest first
	draining bool
	empty    chan struct{} // closed when draining and none is left
}

// add takes in a connection and returns the one that has to go for it: nil, or one
// in its handshake, or c itself.
func (cs *connSet) add(c *conn, limit, handshakes int) (out *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.draining {
		return c
	}
	if len(cs.open) >= limit || cs.strange.Len() >= handshakes {
		oldest := cs.strange.Front()
		if oldest == nil {
			return c
		}
		out = cs.strange.Remove(oldest).(*conn)
		delete(cs.open, out) // its goroutine ends by the closed connection
	}
	if cs.open == nil {
		cs.open = make(map[*conn]*list.Element)
	}
	cs.open[c] = cs.strange.PushBack(c)
	return out
}

// known marks a connection whose handshake is done. It returns false if the
// connection has lost its place meanwhile.
func (cs *connSet) known(c *conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	place, ok := cs.open[c]
	if ok && place != nil {
		cs.strange.Remove(place)
		cs.open[c] = nil
	}
	return ok
}

func (cs *connSet) remove(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	place, ok := cs.open[c]
	if !ok {
		return
	}
	if place != nil {
		cs.strange.Remove(place)
	}
	delete(cs.open, c)
	if cs.draining && len(cs.open) == 0 {
		close(cs.empty)
	}
}

// drain ends the connections that wait for a request; the others end by
// themselves after the one that they are at.
func (cs *connSet) drain() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.draining {
		return
	}
	cs.draining = true
	cs.empty = make(chan struct{})
	if len(cs.open) == 0 {
		close(cs.empty)
	}
	for c := range cs.open {
		c.drain()
	}
}

func (cs *connSet) wait(limit time.Duration) bool {
	select {
	case <-cs.empty:
		return true
	case <-time.After(limit):
		return false
	}
}

func (cs *connSet) closeAll() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		c.nc.Close()
	}
}
