package kmipclient

import (
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// server is an entry of Options.Servers, and what was learnt about it. Clones
// share it.
type server struct {
	rank             int // its place in Options.Servers
	addr, host, port string

	mu       sync.Mutex
	hangsUp  bool         // it answers Discover Versions by hanging up
	settled  kmip.Version // the version that was found without it; zero before, and after a failure
	silentAt time.Time    // when it last let the time for TCP and TLS run out; zero if it did not, or answered since
}

func (s *server) habits() (settled kmip.Version, hangsUp bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settled, s.hangsUp
}

func (s *server) setHangsUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangsUp = true
}

func (s *server) setSettled(v kmip.Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = v
}

// failed is told of each fault with the server: it may be another program next
// time.
func (s *server) failed(e *ServerError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = kmip.Version{}
	if e.Timeout() && e.Phase <= PhaseHandshake { // a server that is only slow gets that far
		s.silentAt = time.Now()
	}
}

func (s *server) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silentAt = time.Time{}
}

// silentWithin says whether the server was silent within the last d.
func (s *server) silentWithin(d time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.silentAt.IsZero() && time.Since(s.silentAt) < d
}
