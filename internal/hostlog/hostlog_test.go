package hostlog_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
)

func drain(q *hostlog.Queue) []hostlog.Line {
	var lines []hostlog.Line
	q.Flush(func(l hostlog.Line) { lines = append(lines, l) })
	return lines
}

func TestText(t *testing.T) {
	q := hostlog.NewQueue(10)
	log := slog.New(q.Handler(slog.LevelInfo))
	log.Debug("too quiet")
	log.Info("plain")
	log.With("server", "a:1").WithGroup("tls").With("v", 3).Warn("with", "name", "two words", slog.Group("g", "x", 1), "empty", "")
	log.Error("first\nsecond\ttab\x1b[31m", "err", "a=b")
	want := []hostlog.Line{
		{slog.LevelInfo, `plain`},
		{slog.LevelWarn, `with server=a:1 tls.v=3 tls.name="two words" tls.g.x=1 tls.empty=""`},
		{slog.LevelError, `first second tab?[31m err="a=b"`},
	}
	if d := cmp.Diff(want, drain(q)); d != "" {
		t.Error(d)
	}
	if rest := drain(q); rest != nil {
		t.Errorf("a second flush gave %v", rest)
	}
}

func TestFullQueueDropsOldest(t *testing.T) {
	q := hostlog.NewQueue(2)
	log := slog.New(q.Handler(slog.LevelInfo))
	for i := range 5 {
		log.Info(fmt.Sprint(i))
	}
	want := []hostlog.Line{
		{slog.LevelWarn, "3 older log lines were dropped: the server did not call for them in time"},
		{slog.LevelInfo, "3"}, {slog.LevelInfo, "4"},
	}
	if d := cmp.Diff(want, drain(q)); d != "" {
		t.Error(d)
	}
}

func TestEachLineOnce(t *testing.T) {
	const writers, each = 8, 200
	q := hostlog.NewQueue(writers * each)
	log := slog.New(q.Handler(slog.LevelInfo))
	var mu sync.Mutex
	seen := map[string]int{}
	take := func(l hostlog.Line) {
		mu.Lock()
		defer mu.Unlock()
		seen[l.Text]++
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				log.Info(fmt.Sprint(w, " ", i))
				q.Flush(take)
			}
		})
	}
	wg.Wait()
	q.Flush(take)
	if len(seen) != writers*each {
		t.Errorf("%d different lines, want %d", len(seen), writers*each)
	}
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%q was emitted %d times", text, n)
		}
	}
}
