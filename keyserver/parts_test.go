package keyserver

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// wiped is work that tells when it is wiped.
type wiped struct{ done chan struct{} }

func (w wiped) Wipe() { close(w.done) }

func (p *parts) unfinished(owner string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[owner]
}

// However many endpoints there are, there is a bound in all.
func TestParts_InAll(t *testing.T) {
	p := &parts{count: make(map[string]int)}
	for i := range maxUnfinishedInAll {
		if err := p.reserve(fmt.Sprint(i / maxUnfinished)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.reserve("another"); kmip.ReasonOf(err) != kmip.ReasonGeneralFailure {
		t.Errorf("one more: %v", err)
	}
	p.release("0")
	if err := p.reserve("another"); err != nil {
		t.Error(err)
	}
}

// What waits too long for its next part is wiped and gives its place back; what is
// worked on meanwhile does not end.
func TestParts_Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{parts: parts{timeout: partTimeout, waiting: make(map[string]*unfinished), count: make(map[string]int)}}
		u := &unfinished{work: wiped{make(chan struct{})}, s: s, owner: "db", correlation: "c"}
		if err := s.parts.reserve("db"); err != nil {
			t.Fatal(err)
		}
		s.parts.keep(u)
		time.Sleep(partTimeout - time.Second)
		if s.parts.take("c") != u {
			t.Fatal("it is gone too early")
		}
		time.Sleep(time.Hour) // it is being worked on
		s.parts.keep(u)
		time.Sleep(partTimeout - time.Second)
		if s.parts.unfinished("db") != 1 {
			t.Error("its place is free")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		select {
		case <-u.work.(wiped).done:
		default:
			t.Error("it was not wiped")
		}
		if s.parts.take("c") != nil || s.parts.unfinished("db") != 0 {
			t.Error("it is still there")
		}
	})
}
