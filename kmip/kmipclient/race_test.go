package kmipclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// Whatever the attempts do, each thing that one brought is either the winner's or
// dropped, the right one wins, and nothing is left running.
func TestRace(t *testing.T) {
	type plan struct {
		After time.Duration
		Fails bool
		Deaf  bool // it does not heed its context
	}
	rapid.Check(t, func(rt *rapid.T) {
		plans := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) plan {
			return plan{time.Duration(rapid.IntRange(0, 900).Draw(rt, "ms")) * time.Millisecond, rapid.Bool().Draw(rt, "fails"), rapid.Bool().Draw(rt, "deaf")}
		}), 1, 6).Draw(rt, "plans")
		limit := time.Duration(rapid.IntRange(1, 3000).Draw(rt, "limit")) * time.Millisecond
		var winner int
		var errs []error
		var brought, dropped int32
		var took time.Duration
		var ended []time.Duration // since the start, for those that ended by themselves
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			begin := time.Now()
			ended = make([]time.Duration, len(plans))
			var b, d atomic.Int32
			r := race[int]{
				try: func(ctx context.Context, i int) (int, error) {
					done := ctx.Done()
					if plans[i].Deaf {
						done = nil
					}
					select {
					case <-time.After(plans[i].After):
					case <-done:
						return 0, ctx.Err()
					}
					ended[i] = time.Since(begin)
					if plans[i].Fails {
						return 0, errors.New("no")
					}
					b.Add(1)
					return i, nil
				},
				drop:   func(int) { d.Add(1) },
				gap:    headStarts(len(plans), allServers),
				better: func(i, j int) bool { return i < j },
			}
			var value int
			value, winner, errs = r.run(ctx, len(plans))
			took = time.Since(begin)
			if winner >= 0 && value != winner {
				rt.Errorf("the value is %d's, the winner %d", value, winner)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			brought, dropped = b.Load(), d.Load()
		})
		won := int32(0)
		if winner >= 0 {
			won = 1
		}
		if brought != won+dropped {
			rt.Errorf("%d brought, %d dropped, winner %d", brought, dropped, winner)
		}
		if took > limit+afterEnd {
			rt.Errorf("it took %v, the limit is %v", took, limit)
		}
		for i, p := range plans {
			// One that was better and succeeded while the race was on had to win.
			if winner >= 0 && i < winner && !p.Fails && ended[i] > 0 && ended[i] < took {
				rt.Errorf("%d won, %d was there after %v, the race took %v", winner, i, ended[i], took)
			}
			if winner < 0 && ended[i] > 0 && ended[i] < limit && !p.Fails {
				rt.Errorf("nobody won, %d was there after %v", i, ended[i])
			}
		}
		if winner < 0 && errs[0] == nil {
			rt.Error("no cause")
		}
	})
}

func TestRace_Panic(t *testing.T) {
	r := race[int]{try: func(context.Context, int) (int, error) { panic("oops") }, gap: headStarts(1, 0)}
	if _, winner, errs := r.run(t.Context(), 1); winner != -1 || errs[0] == nil {
		t.Errorf("%d, %v", winner, errs)
	}
}

// All slots for sockets are free again after attempts of every kind.
func TestSlotsAreFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{Servers: []string{"a:1", "b:1"}, TLS: &tls.Config{},
			Resolve: func(context.Context, string) ([]string, error) {
				return []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}, nil
			},
			Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
				if address == "10.0.0.3:1" {
					return nil, errors.New("refused")
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 5 {
			if _, err := c.Query(t.Context()); err == nil {
				t.Error("an answer")
			}
		}
		synctest.Wait()
		if len(c.sockets) != 0 {
			t.Errorf("%d slots are taken", len(c.sockets))
		}
	})
}

// A better server that is found while the client is being closed is hung up on.
func TestLookForBetter_Closed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The turn is held, so what was found has to wait.
		c := newClient(Options{}, nil)
		c.turn <- struct{}{}
		ours, theirs := net.Pipe()
		defer theirs.Close()
		cn := &conn{Conn: tls.Client(ours, &tls.Config{}), server: &server{}}
		go c.comeBack(cn)
		synctest.Wait()
		c.Close()
		synctest.Wait()
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is open")
		}
	})
}
