package keyserver

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// Data may come in parts, one request each (KMIP 1.3, 4.29 and after). What has been done
// with the parts before is in memory, found by the Correlation Value, and is gone when the
// server stops: the client begins again.
const (
	// maxUnfinished is how many operations an endpoint can have unfinished, and
	// maxUnfinishedInAll all of them together: each may hold cryptography.MaxHeld bytes.
	maxUnfinished      = 16
	maxUnfinishedInAll = 128
	// partTimeout is how long the server waits for the next part.
	partTimeout = 2 * time.Minute
)

// work is what an operation does with data.
type work interface {
	// Wipe wipes what it keeps.
	Wipe()
}

// operation is one on data, whose first part begins it.
type operation struct {
	op         kmip.Operation
	part       kmip.Part
	id         string
	parameters *kmip.CryptographicParameters
	use        kmip.UsageMask // 0: it needs no key
	start      func(*usable) (work, error)
}

// unfinished is an operation on data that comes in parts, or on data in one.
type unfinished struct {
	work
	s           *Server
	op          kmip.Operation
	owner, id   string
	parameters  ttlv.Value // of the first request; Type 0: none
	correlation string     // empty: the data is in one request
	first, last bool
	timer       *time.Timer
}

// begin finds what was done with the parts before, or starts with the first.
func (s *Server) begin(r *request, o operation) (*unfinished, error) {
	if !r.Version.AtLeast(kmip.V1_2) {
		return nil, kmip.Errorf(kmip.ReasonOperationNotSupported, "KMIP %s has no such operation", r.Version)
	}
	if o.part.Correlation != nil {
		return s.goOn(r, o)
	}
	if o.part.Final && !o.part.Init {
		return nil, kmip.Errorf(kmip.ReasonMissingData, "a last part that is not the first needs its Correlation Value")
	}
	u := &unfinished{s: s, op: o.op, owner: r.who.Name, first: true, last: o.part.Single()}
	var k *usable
	if o.use != 0 {
		var err error
		if k, err = s.usable(r, o.id, o.parameters, o.use); err != nil {
			return nil, err
		}
		u.id = k.ID
	}
	if o.parameters != nil {
		u.parameters = o.parameters.TTLV()
	}
	if !u.last {
		u.correlation = rand.Text()
		if err := s.parts.reserve(u.owner); err != nil {
			return nil, err
		}
	}
	w, err := o.start(k)
	if err != nil {
		u.drop()
		return nil, err
	}
	u.work = w
	return u, nil
}

// goOn finds an operation by its Correlation Value. The key must still be one that may be
// used, and what the request repeats must be what it was.
func (s *Server) goOn(r *request, o operation) (*unfinished, error) {
	u := s.parts.take(string(o.part.Correlation))
	if u == nil || u.owner != r.who.Name || u.op != o.op {
		if u != nil {
			s.parts.keep(u) // another's: it is not there for this client
		}
		return nil, kmip.Errorf(kmip.ReasonItemNotFound, "there is no unfinished %s with this Correlation Value: it has ended, failed, or waited for more than %d seconds", o.op, int(partTimeout.Seconds())).In2(kmip.ReasonInvalidCorrelationValue).In2(kmip.ReasonInvalidCorrelationValue)
	}
	u.first, u.last = false, o.part.Final
	err := u.check(r, o)
	if err != nil {
		u.drop()
		return nil, err
	}
	return u, nil
}

func (u *unfinished) check(r *request, o operation) error {
	switch {
	case o.part.Init:
		return kmip.Errorf(kmip.ReasonInvalidField, "a request with a Correlation Value has not the first part")
	case o.id != "" && o.id != u.id:
		return kmip.Errorf(kmip.ReasonInvalidField, "the parts of the data name different keys")
	case o.parameters != nil && !o.parameters.TTLV().Equal(u.parameters):
		return kmip.Errorf(kmip.ReasonInvalidField, "the parts of the data name different Cryptographic Parameters")
	case o.use == 0:
		return nil
	}
	_, err := u.s.mayUse(r, u.id, o.use)
	return err
}

// end is called at the end of each request: it keeps what waits for another part, and
// returns the Correlation Value, or gives the rest up.
func (u *unfinished) end(err *error) (correlation []byte) {
	if u.last || *err != nil {
		u.drop()
		return nil
	}
	u.s.parts.keep(u)
	return []byte(u.correlation)
}

func (u *unfinished) drop() {
	if u.work != nil {
		u.Wipe()
	}
	if u.correlation != "" {
		u.s.parts.release(u.owner)
	}
}

// objects is how many objects a part begins, for Usage Limits.
func (u *unfinished) objects() int64 {
	if u.first {
		return 1
	}
	return 0
}

// parts holds the unfinished operations.
type parts struct {
	timeout time.Duration

	mu      sync.Mutex
	waiting map[string]*unfinished // for their next part
	count   map[string]int         // of each owner, those that are being worked on included
	inAll   int                    // the sum of count
}

func (p *parts) reserve(owner string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[owner] >= maxUnfinished {
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the endpoint has %d unfinished operations on data in parts: it has to end one, or to wait", maxUnfinished).In2(kmip.ReasonServerLimitExceeded)
	}
	if p.inAll >= maxUnfinishedInAll {
		return kmip.Errorf(kmip.ReasonGeneralFailure, "the key server has %d unfinished operations on data in parts, and begins no more", maxUnfinishedInAll)
	}
	p.count[owner]++
	p.inAll++
	return nil
}

func (p *parts) release(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inAll--
	if p.count[owner]--; p.count[owner] <= 0 {
		delete(p.count, owner)
	}
}

// take returns an operation for one request; nobody else finds it meanwhile.
func (p *parts) take(correlation string) *unfinished {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.waiting[correlation]
	if u != nil {
		u.timer.Stop()
		delete(p.waiting, correlation)
	}
	return u
}

// keep lets an operation wait for its next part, for a while.
func (p *parts) keep(u *unfinished) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[u.correlation] = u
	var timer *time.Timer
	timer = time.AfterFunc(p.timeout, func() {
		p.mu.Lock()
		late := p.waiting[u.correlation] == u && u.timer == timer
		if late {
			delete(p.waiting, u.correlation)
		}
		p.mu.Unlock()
		if late {
			u.drop()
		}
	})
	u.timer = timer
}
