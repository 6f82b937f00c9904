package keyserver

import (
	"context"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// The bounds of the rate limit: so much is done at once before an endpoint has to wait,
// and so long it waits before it is refused.
const (
	rateBurst = time.Second
	rateWait  = time.Second
)

// limits keeps endpoints within theirs. The zero value is ready.
type limits struct {
	mu          sync.Mutex
	connections map[string]int
	due         map[string]time.Time // when what was asked for would be done at the rate
}

// admit counts a connection of an endpoint, or says why it may not have one more. Who is
// no endpoint is told so by its first operation.
func (s *Server) admit(cert *x509.Certificate) (leave func(), err error) {
	who, err := s.o.Endpoints.Authenticate(cert)
	if err != nil {
		return func() {}, nil
	}
	l := &s.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if most := who.Limits.Connections; most > 0 && l.connections[who.Name] >= most {
		return nil, fmt.Errorf("the endpoint %s has %d connections open, and may have no more (endpoint limit --connections)", who.Name, most)
	}
	if l.connections == nil {
		l.connections = make(map[string]int)
	}
	l.connections[who.Name]++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.connections[who.Name]--; l.connections[who.Name] == 0 {
			delete(l.connections, who.Name)
		}
	}), nil
}

// pace has an operation of an endpoint wait until its rate allows it. Too many of them are
// refused, with a reason that says nothing about any key.
func (s *Server) pace(r *request) error {
	rate := r.who.Limits.Rate
	if rate <= 0 {
		return nil
	}
	// Who holds back others must not wait. It will the next time.
	patient := r.tx == nil || !r.tx.locked
	wait, ok := s.limits.take(r.who.Name, time.Second/time.Duration(rate), time.Now(), patient)
	if !ok {
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the endpoint asks for more than the %d operations a second that it may; try again later", rate)
	}
	if wait <= 0 {
		return nil
	}
	return sleep(r.ctx, wait)
}

// take enters an operation, and returns how long it has to wait. Not ok: too long.
func (l *limits) take(name string, each time.Duration, now time.Time, patient bool) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	due := l.due[name]
	if due.Before(now) {
		due = now
	}
	wait = due.Sub(now) - rateBurst
	if patient && wait > rateWait {
		return 0, false
	}
	if l.due == nil {
		l.due = make(map[string]time.Time)
	}
	l.due[name] = due.Add(each)
	if !patient {
		wait = 0
	}
	return wait, true
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the key server ends")
	}
}

// checkQuota says whether the endpoint that makes new objects may. What is destroyed
// does not count. The caller has the owner's quota lock, or all locks.
func (tx *transaction) checkQuota(who endpoint.Identity) error {
	n := tx.s.index.count(who.Owner())
	for _, c := range tx.order {
		if c.next.Owner != who.Owner() {
			continue
		}
		if c.before != nil && !c.before.Destroyed() {
			n--
		}
		if !c.next.Destroyed() {
			n++
		}
	}
	if n > who.Limits.Objects {
		return kmip.Errorf(kmip.ReasonPermissionDenied, "%s may have %d objects, and has as many. Destroy some, or have the limit raised (endpoint limit --objects)", who.Owner(), who.Limits.Objects)
	}
	return nil
}

// quotaLock is the name of the lock under which an owner's objects are counted. No
// owner's name has a NUL in it.
func quotaLock(owner string) string { return "quota\x00" + owner }

// count returns how many objects an owner has that are not destroyed.
func (x *index) count(owner string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.terms[ownerTerm(owner)])
}
