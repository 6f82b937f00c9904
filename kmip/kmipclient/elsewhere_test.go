package kmipclient_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// What the other servers say: yes on one is yes, no on all that answer is no, and
// anything else is neither.
func TestElsewhere(t *testing.T) {
	// has, lacks and denies are servers that answer; the rest do not.
	type kind int
	const (
		has kind = iota
		lacks
		denies
		blackHole
		refuses
		halfOpen
		slow // has it, and takes 2 s for each answer
	)
	for name, c := range map[string]struct {
		servers []kind // the first one was asked
		found   int    // by which server, or -1
		silent  int    // or -1 for an answer that is neither
		most    time.Duration
	}{
		"a standby has it":               {[]kind{lacks, lacks, has}, 2, 0, 0},
		"two have it: the better one":    {[]kind{lacks, has, has}, 1, 0, 0},
		"a slow one has it":              {[]kind{lacks, lacks, slow}, 2, 0, 4 * time.Second},
		"nobody has it":                  {[]kind{lacks, lacks, lacks}, -1, 0, 0},
		"nobody, and a black hole":       {[]kind{lacks, blackHole, lacks}, -1, 1, 5 * time.Second},
		"nobody, and a closed port":      {[]kind{lacks, refuses, lacks}, -1, 1, 0},
		"nobody, and a half-open one":    {[]kind{lacks, halfOpen}, -1, 1, 5 * time.Second},
		"all others are dead":            {[]kind{lacks, blackHole, refuses, halfOpen}, -1, 3, 5 * time.Second},
		"one has it beside a black hole": {[]kind{lacks, blackHole, has}, 2, 0, headStart},
		"one refuses":                    {[]kind{lacks, denies, lacks}, -1, -1, 0},
		"one refuses, another has it":    {[]kind{lacks, denies, has}, 2, 0, 0},
		"alone":                          {[]kind{lacks}, -1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, repeat(kmiptest.Answers, len(c.servers)), func(s *simulation) {
				for i, k := range c.servers {
					keeper := &kmiptest.Keeper{}
					if k == has || k == slow {
						keeper.Add(aesKey(), kmip.StateActive, kmip.NameAttribute("k"))
					}
					keeper.Before = func(p kmip.Payload) error {
						switch {
						case k == denies && p.Operation() == kmip.OpLocate:
							return kmip.Errorf(kmip.ReasonPermissionDenied, "no")
						case k == slow:
							time.Sleep(2 * time.Second)
						}
						return nil
					}
					s.hosts[i] = s.network.Host(s.addrs[i], s.serving, keeper.Handle)
					s.hosts[i].Set(map[kind]kmiptest.Habit{blackHole: kmiptest.BlackHole, refuses: kmiptest.Refuses, halfOpen: kmiptest.HalfOpen}[k], 0)
				}
				cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
				s.mustAsk(cl, 0, 0)
				var dropped atomic.Int32
				look := func() (int, error) {
					return kmipclient.Elsewhere(s.t.Context(), cl, s.addrs[0], func(ctx context.Context, one *kmipclient.Client) (int, error) {
						l, err := one.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("k")}})
						if err == nil && len(l.UniqueIdentifiers) == 0 {
							err = kmipclient.ErrAbsent
						}
						return one.Status().Rank, err
					}, func(int) { dropped.Add(1) })
				}
				started := time.Now()
				found, err := look()
				took := time.Since(started)
				if took > c.most {
					t.Errorf("it took %v", took)
				}
				var absent *kmipclient.AbsentError
				var other *kmipclient.AnswerError
				switch {
				case c.found >= 0:
					if err != nil || found != c.found {
						t.Errorf("%d, %v", found, err)
					}
					s.mustAsk(cl, c.found, c.most) // and it is in use now
				case c.silent < 0:
					if !errors.As(err, &other) || other.Server != s.addrs[1] || kmip.ReasonOf(err) != kmip.ReasonPermissionDenied {
						t.Errorf("%v", err)
					}
				default:
					if !errors.As(err, &absent) || !errors.Is(err, kmipclient.ErrAbsent) || len(absent.Silent) != c.silent || strings.Contains(err.Error(), "not all") != (c.silent > 0) {
						t.Errorf("%v", err)
					}
					// Who was silent has less time when he is asked again soon.
					started := time.Now()
					if _, err := look(); !errors.As(err, &absent) || len(absent.Silent) != c.silent || time.Since(started) > time.Second {
						t.Errorf("again: %v after %v", err, time.Since(started))
					}
					s.mustAsk(cl, 0, 0)
				}
				s.alone(1)
				if want := map[bool]int32{true: 1}[name == "two have it: the better one"]; dropped.Load() > want {
					t.Errorf("%d dropped", dropped.Load())
				}
			})
		})
	}
}

func TestElsewhere_CutShort(t *testing.T) {
	simulate(t, []kmiptest.Habit{kmiptest.Answers, kmiptest.BlackHole}, func(s *simulation) {
		question := func(ctx context.Context, one *kmipclient.Client) (int, error) {
			_, err := one.Query(ctx, kmip.QueryOperations)
			return 0, err
		}
		cl := s.client(kmipclient.Options{})
		ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
		defer cancel()
		if _, err := kmipclient.Elsewhere(ctx, cl, s.addrs[0], question, func(int) {}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kmipclient.ErrAbsent) {
			t.Errorf("the caller's time ran out: %v", err)
		}
		time.AfterFunc(500*time.Millisecond, func() { cl.Close() })
		if _, err := kmipclient.Elsewhere(s.t.Context(), cl, s.addrs[0], question, func(int) {}); !errors.Is(err, kmipclient.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
		s.alone(0)
	})
}

func TestElsewhere_Panics(t *testing.T) {
	simulate(t, repeat(kmiptest.Answers, 2), func(s *simulation) {
		_, err := kmipclient.Elsewhere(s.t.Context(), s.client(kmipclient.Options{}), s.addrs[0],
			func(context.Context, *kmipclient.Client) (int, error) { panic("oops") }, func(int) {})
		if err == nil || errors.Is(err, kmipclient.ErrAbsent) || !strings.Contains(err.Error(), "oops") {
			t.Errorf("%v", err)
		}
	})
}

// A server that was dead and is only slow now is heard, however soon it is asked.
func TestElsewhere_SlowAfterSilent(t *testing.T) {
	simulate(t, []kmiptest.Habit{kmiptest.Answers, kmiptest.BlackHole}, func(s *simulation) {
		slow := func(m *kmip.RequestMessage) *kmip.ResponseMessage {
			time.Sleep(2 * time.Second)
			return s.keeper.Handle(m)
		}
		cl := s.client(kmipclient.Options{ConnectTimeout: 20 * time.Second})
		s.mustAsk(cl, 0, 0)
		look := func() error {
			_, err := kmipclient.Elsewhere(s.t.Context(), cl, s.addrs[0], func(ctx context.Context, one *kmipclient.Client) (int, error) {
				_, err := one.Query(ctx, kmip.QueryOperations)
				return 0, err
			}, func(int) {})
			return err
		}
		for range 2 {
			if err := look(); !errors.Is(err, kmipclient.ErrAbsent) {
				t.Errorf("%v", err)
			}
		}
		s.network.Host(s.addrs[1], s.serving, slow)
		if err := look(); err != nil {
			t.Errorf("%v", err)
		}
	})
}
