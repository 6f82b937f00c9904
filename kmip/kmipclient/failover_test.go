package kmipclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// simulation is a network in a bubble of simulated time. All servers have the
// same certificate and, unless a test says otherwise, the same objects.
type simulation struct {
	t        *testing.T
	network  *kmiptest.Network
	keeper   *kmiptest.Keeper
	ca       *kmiptest.Authority
	conf     *tls.Config
	serving  *tls.Config
	addrs    []string
	hosts    []*kmiptest.Host
	requests atomic.Int32
}

// simulate runs a test with servers of the given habits, the first is the best.
func simulate(t *testing.T, habits []kmiptest.Habit, test func(*simulation)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ca := kmiptest.NewAuthority(t)
		s := &simulation{t: t, network: kmiptest.NewNetwork(t), keeper: &kmiptest.Keeper{}, ca: ca, conf: ca.ClientConfig(ca.Client("c"))}
		s.conf.ServerName = "localhost"
		s.serving = ca.ServerConfig(ca.Server("localhost"))
		start := time.Now()
		s.conf.Time = func() time.Time { return start } // a certificate is good for an hour
		s.serving.Time = s.conf.Time
		for i, h := range habits {
			s.addrs = append(s.addrs, fmt.Sprintf("10.0.%d.%d:5696", i/250, i%250+1))
			s.hosts = append(s.hosts, s.network.Host(s.addrs[i], s.serving, s.keeper.Handle))
			s.hosts[i].Set(h, 0)
		}
		test(s)
	})
}

func (s *simulation) client(o kmipclient.Options) *kmipclient.Client {
	s.t.Helper()
	if o.Servers == nil {
		o.Servers = s.addrs
	}
	o.TLS, o.Dial, o.Resolve = s.conf, s.network.Dial, s.network.Resolve
	c, err := kmipclient.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// ask does an exchange and returns how long it took.
func ask(c *kmipclient.Client) (time.Duration, error) {
	started := time.Now()
	_, err := c.Query(context.Background(), kmip.QueryOperations)
	return time.Since(started), err
}

// mustAsk wants an answer of one server within a time.
func (s *simulation) mustAsk(c *kmipclient.Client, server int, most time.Duration) {
	s.t.Helper()
	took, err := ask(c)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := c.Status(); got.Server != s.addrs[server] || got.Rank != server {
		s.t.Errorf("%s (place %d) answered, not place %d", got.Server, got.Rank, server)
	}
	if took > most {
		s.t.Errorf("it took %v, more than %v", took, most)
	}
}

// alone waits until nothing is under way, and checks that only so many sockets
// are left.
func (s *simulation) alone(sockets int) {
	s.t.Helper()
	synctest.Wait()
	if now, _ := s.network.Sockets(); now != sockets {
		s.t.Errorf("%d sockets are left, not %d", now, sockets)
	}
}

func repeat(h kmiptest.Habit, n int, then ...kmiptest.Habit) []kmiptest.Habit {
	var all []kmiptest.Habit
	for range n {
		all = append(all, h)
	}
	return append(all, then...)
}

// However the servers before it are dead, the good one is found in 3 seconds.
func TestDeadBeforeGood(t *testing.T) {
	for name, c := range map[string]struct {
		dead kmiptest.Habit
		most time.Duration
	}{
		"black holes": {kmiptest.BlackHole, 3 * time.Second},
		"refusing":    {kmiptest.Refuses, 0},
		"half open":   {kmiptest.HalfOpen, 3 * time.Second},
	} {
		for _, n := range []int{1, 2, 10, 64} {
			t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
				simulate(t, repeat(c.dead, n, kmiptest.Answers), func(s *simulation) {
					cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
					s.mustAsk(cl, n, c.most)
					s.alone(1)
					if _, most := s.network.Sockets(); most > n+1 {
						t.Errorf("%d sockets at a time", most)
					}
					s.mustAsk(cl, n, 0) // the connection is kept
					time.Sleep(2 * time.Minute)
					s.mustAsk(cl, n, 0) // and when it is too old, the server is remembered
				})
			})
		}
	}
}

// Nobody else is troubled while the first server answers in good time.
func TestOnlyTheFirstIsAsked(t *testing.T) {
	simulate(t, repeat(kmiptest.Answers, 65), func(s *simulation) {
		s.hosts[0].Set(kmiptest.Answers, 249*time.Millisecond)
		s.mustAsk(s.client(kmipclient.Options{}), 0, 249*time.Millisecond)
		if d := s.network.Dials(); len(d) != 1 {
			t.Errorf("dialled %v", d)
		}
	})
}

func TestBetterServerWins(t *testing.T) {
	for _, c := range []struct {
		delays []time.Duration // in milliseconds
		winner int
		after  time.Duration
	}{
		{[]time.Duration{400, 0}, 0, 400},        // 150 ms after the worse one
		{[]time.Duration{499, 0}, 0, 499},        // 249 ms
		{[]time.Duration{501, 0}, 1, 500},        // too late
		{[]time.Duration{300, 500}, 0, 300},      // sooner
		{[]time.Duration{900, 700, 0}, 2, 2250},  // set below: 500+0, waits till 750
		{[]time.Duration{700, 2000, 0}, 0, 700},  // the best of all ends the wait
		{[]time.Duration{2000, 400, 0}, 1, 750},  // a better one, and still a better one is awaited
		{[]time.Duration{5000, 5000, 0}, 2, 750}, // nobody else in time
	} {
		t.Run(fmt.Sprint(c.delays), func(t *testing.T) {
			simulate(t, repeat(kmiptest.Answers, len(c.delays)), func(s *simulation) {
				for i, d := range c.delays {
					s.hosts[i].Set(kmiptest.Answers, d*time.Millisecond)
				}
				cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
				s.mustAsk(cl, c.winner, c.after*time.Millisecond)
				time.Sleep(10 * time.Second)
				s.alone(1)
			})
		})
	}
}

// All fail: each cause is told, shortly.
func TestAllFail(t *testing.T) {
	habits := append(repeat(kmiptest.BlackHole, 40), repeat(kmiptest.Refuses, 25)...)
	simulate(t, habits, func(s *simulation) {
		cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
		took, err := ask(cl)
		e := fault(t, err)
		if len(e.Servers) != 65 || e.Sent {
			t.Errorf("%d servers, %t", len(e.Servers), e.Sent)
		}
		if took > 22*time.Second {
			t.Errorf("it took %v", took)
		}
		text := err.Error()
		if len(text) > 600 || !strings.Contains(text, "and 62 more servers: connect to: the time ran out (") || !strings.Contains(text, "connection refused (2") {
			t.Errorf("%d bytes: %s", len(text), text)
		}
		if !errors.Is(err, context.DeadlineExceeded) || cl.Status().Err == nil {
			t.Errorf("%v", err)
		}
		s.alone(0)
	})
}

// The caller's deadline ends it all.
func TestTotalDeadline(t *testing.T) {
	simulate(t, repeat(kmiptest.BlackHole, 65), func(s *simulation) {
		cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
		ctx, cancel := context.WithTimeout(s.t.Context(), 1500*time.Millisecond)
		defer cancel()
		started := time.Now()
		_, err := cl.Query(ctx, kmip.QueryOperations)
		if took := time.Since(started); took > 1750*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after %v", err, took)
		}
		fault(t, err)
		s.alone(0)
	})
}

func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		names  map[string][]string
		server string
		most   time.Duration
		err    string
	}{
		"the second of two":  {map[string][]string{"kms": {"10.9.9.9", "10.0.0.2"}}, "kms:5696", 250 * time.Millisecond, ""},
		"refused, then good": {map[string][]string{"kms": {"10.0.0.1", "10.0.0.2"}}, "kms:5696", 0, ""},
		"the last of eight": {map[string][]string{"kms": {"10.9.9.1", "10.9.9.2", "10.9.9.3", "10.9.9.4", "10.9.9.5", "10.9.9.6", "10.9.9.7", "10.0.0.2"}},
			"kms:5696", 500 * time.Millisecond, ""},
		"both families": {map[string][]string{"kms": {"2001:db8::1", "10.0.0.2"}}, "kms:5696", 250 * time.Millisecond, ""},
		"no such name":  {nil, "kms:5696", 0, "no such host"},
		"no address":    {map[string][]string{"kms": {}}, "kms:5696", 0, "the name has no address"},
		"none answers":  {map[string][]string{"kms": {"10.0.0.1", "10.9.9.9"}}, "kms:5696", 20 * time.Second, "2 of 2 addresses"},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, []kmiptest.Habit{kmiptest.Refuses, kmiptest.Answers}, func(s *simulation) {
				for n, a := range c.names {
					s.network.Name(n, a...)
				}
				cl := s.client(kmipclient.Options{Servers: []string{c.server}, ConnectTimeout: 20 * time.Second})
				took, err := ask(cl)
				if took > c.most {
					t.Errorf("it took %v", took)
				}
				if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
					t.Errorf("%v", err)
				}
				if e, ok := errors.AsType[*kmipclient.Error](err); ok && c.most == 0 && e.Servers[0].Phase != kmipclient.PhaseResolve {
					t.Errorf("phase %v", e.Servers[0].Phase)
				}
			})
		})
	}
	t.Run("65 servers of 20 addresses each", func(t *testing.T) {
		simulate(t, []kmiptest.Habit{kmiptest.Answers}, func(s *simulation) {
			var servers []string
			for i := range 65 {
				var addrs []string
				for j := range 20 {
					addrs = append(addrs, fmt.Sprintf("10.%d.9.%d", i+1, j+1))
				}
				if i == 64 {
					addrs = []string{"10.0.0.1"}
				}
				s.network.Name(fmt.Sprint("kms", i), addrs...)
				servers = append(servers, fmt.Sprintf("kms%d:5696", i))
			}
			took, err := ask(s.client(kmipclient.Options{Servers: servers, ConnectTimeout: 20 * time.Second}))
			if _, most := s.network.Sockets(); err != nil || took > 3*time.Second || most > 65+128 {
				t.Errorf("%v after %v, %d sockets", err, took, most)
			}
			s.alone(1)
		})
	})
	t.Run("names that fail cost nothing", func(t *testing.T) {
		simulate(t, []kmiptest.Habit{kmiptest.Answers}, func(s *simulation) {
			took, err := ask(s.client(kmipclient.Options{Servers: []string{"nowhere:5696", "nobody:5696", s.addrs[0]}}))
			if err != nil || took != 0 {
				t.Errorf("%v after %v", err, took)
			}
		})
	})
}

// A better server that is back is used again, between two exchanges, and nobody
// waits for it.
func TestComeback(t *testing.T) {
	simulate(t, []kmiptest.Habit{kmiptest.BlackHole, kmiptest.Refuses, kmiptest.Answers}, func(s *simulation) {
		cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
		s.mustAsk(cl, 2, 2*headStart)
		since := cl.Status().Since
		for range 5 { // it looks, and finds nobody
			time.Sleep(40 * time.Second)
			s.mustAsk(cl, 2, 0)
		}
		if !cl.Status().Since.Equal(since) {
			t.Error("in use since another time")
		}
		time.Sleep(40 * time.Second)
		dials := len(s.network.Dials())
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(s.network.Dials()); n != dials {
			t.Errorf("%d attempts while nobody asked for anything", n-dials)
		}
		s.hosts[1].Set(kmiptest.Answers, 0)
		s.mustAsk(cl, 2, 0)
		time.Sleep(2*headStart + time.Millisecond)
		s.mustAsk(cl, 1, 0)
		s.hosts[0].Set(kmiptest.Answers, 0)
		for range 2 {
			time.Sleep(40 * time.Second)
			ask(cl)
			synctest.Wait()
		}
		s.mustAsk(cl, 0, 0)
		s.alone(1)
	})
}

// headStart is the package's.
const headStart = 250 * time.Millisecond

// A server that takes connections and answers nothing is not come back to, even
// where the version is fixed.
func TestComeback_OnlyToWhoAnswers(t *testing.T) {
	simulate(t, []kmiptest.Habit{kmiptest.Refuses, kmiptest.Answers}, func(s *simulation) {
		mute := func(*kmip.RequestMessage) *kmip.ResponseMessage { time.Sleep(time.Hour); return nil }
		cl := s.client(kmipclient.Options{Version: kmip.V1_1})
		s.mustAsk(cl, 1, 0)
		s.hosts[0] = s.network.Host(s.addrs[0], s.serving, mute)
		for range 10 {
			time.Sleep(40 * time.Second)
			s.mustAsk(cl, 1, 0)
		}
		cl.Close()
		time.Sleep(2 * time.Hour) // the mute server goes to bed
	})
}

// A server that comes and goes is left alone for longer and longer.
func TestFlapping(t *testing.T) {
	simulate(t, repeat(kmiptest.Answers, 2), func(s *simulation) {
		cl := s.client(kmipclient.Options{})
		moves, last := 0, ""
		up := true
		for range 240 {
			for range 4 {
				time.Sleep(15 * time.Second)
				if _, err := ask(cl); err != nil {
					s.t.Fatal(err)
				}
				synctest.Wait()
				if now := cl.Status().Server; now != last {
					moves, last = moves+1, now
				}
				if up = !up; up { // up for 15 seconds, down for 15
					s.hosts[0].Set(kmiptest.Answers, 0)
				} else {
					s.hosts[0].Set(kmiptest.Refuses, 0)
				}
			}
		}
		if moves > 80 || moves < 4 { // without the growth it would be about 500
			t.Errorf("%d moves in 4 hours", moves)
		}
	})
}

// Close ends attempts at once, and what they had opened.
func TestClose_WhileConnecting(t *testing.T) {
	habits := append(repeat(kmiptest.BlackHole, 30), repeat(kmiptest.HalfOpen, 30)...)
	simulate(t, habits, func(s *simulation) {
		cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
		done := make(chan error)
		started := time.Now()
		for range 3 {
			go func() { done <- second(cl.Query(context.Background(), kmip.QueryOperations)) }()
		}
		time.Sleep(1900 * time.Millisecond)
		cl.Close()
		for range 3 {
			if err := <-done; !errors.Is(err, kmipclient.ErrClosed) {
				t.Errorf("%v", err)
			}
		}
		if took := time.Since(started); took > 2200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		s.alone(0)
	})
}

// Close while a better server is looked for.
func TestClose_WhileLooking(t *testing.T) {
	simulate(t, []kmiptest.Habit{kmiptest.BlackHole, kmiptest.Answers}, func(s *simulation) {
		cl := s.client(kmipclient.Options{})
		s.mustAsk(cl, 1, 2*headStart)
		time.Sleep(40 * time.Second)
		s.mustAsk(cl, 1, 0)
		synctest.Wait()
		cl.Close()
		s.alone(0)
	})
}

// The server in use goes silent in the middle: one exchange's time is lost, and
// what changes something is never sent to a second one.
func TestDiesWhileRunning(t *testing.T) {
	simulate(t, repeat(kmiptest.Answers, 2), func(s *simulation) {
		cl := s.client(kmipclient.Options{Timeout: 5 * time.Second, ConnectTimeout: 20 * time.Second})
		s.mustAsk(cl, 0, 0)
		s.hosts[0].Set(kmiptest.BlackHole, 0)
		_, err := cl.Register(s.t.Context(), registerRequest("k"))
		if !errors.Is(err, kmipclient.ErrOutcomeUnknown) {
			t.Errorf("%v", err)
		}
		s.mustAsk(cl, 1, 2*headStart)
		s.hosts[1].Set(kmiptest.BlackHole, 0)
		s.hosts[0].Set(kmiptest.Answers, 0)
		s.mustAsk(cl, 0, 5*time.Second)
		if n := s.keeper.Operations(kmip.OpRegister); n != 0 {
			t.Errorf("%d registrations", n)
		}
	})
}

// Many callers, a primary that comes and goes, a clone now and then, and a close:
// for the race detector.
func TestFailover_Race(t *testing.T) {
	simulate(t, repeat(kmiptest.Answers, 3), func(s *simulation) {
		cl := s.client(kmipclient.Options{MaxIdle: time.Second, Timeout: time.Second})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 60 {
					time.Sleep(time.Duration(700+i*131) * time.Millisecond)
					if j%10 == i {
						clone := cl.Clone()
						ask(clone)
						clone.Close()
					}
					if j%20 == i {
						kmipclient.Elsewhere(s.t.Context(), cl, cl.Status().Server, func(ctx context.Context, one *kmipclient.Client) (int, error) {
							_, err := one.Query(ctx, kmip.QueryOperations)
							if err == nil && j%40 == i {
								err = kmipclient.ErrAbsent
							}
							return 0, err
						}, func(int) {})
					}
					cl.Status()
					ask(cl)
				}
			})
		}
		wg.Go(func() {
			for i := range 40 {
				time.Sleep(1300 * time.Millisecond)
				s.hosts[i%2].Set([]kmiptest.Habit{kmiptest.Answers, kmiptest.Refuses, kmiptest.BlackHole, kmiptest.HalfOpen}[i%4], 0)
			}
			s.hosts[0].Set(kmiptest.Answers, 0)
			s.hosts[1].Set(kmiptest.Answers, 0)
		})
		wg.Wait()
		if _, err := ask(cl); err != nil {
			t.Errorf("not healed: %v", err)
		}
		cl.Close()
		time.Sleep(time.Minute)
		s.alone(0)
	})
}
