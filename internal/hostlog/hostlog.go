// Package hostlog brings log lines from Go into a host's own error log.
//
// A host such as mysqld takes log lines only from its own threads. So lines are
// queued here, by whichever goroutine writes them, and a [Queue] is flushed by
// the thread of the host that is just leaving a call into the guest.
package hostlog

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
)

// Line is one queued line: plain text without line breaks.
type Line struct {
	Level slog.Level
	Text  string
}

// Queue keeps the lines that the host has not taken yet. When it is full the
// oldest line goes, and the next flush says how many went.
type Queue struct {
	limit   int
	pending atomic.Int64 // lets Flush return without the lock

	mu      sync.Mutex
	lines   []Line
	dropped int
}

// NewQueue returns a queue of at most limit lines.
func NewQueue(limit int) *Queue { return &Queue{limit: max(limit, 1)} }

// Handler returns a handler that queues the records of at least the level min.
func (q *Queue) Handler(min slog.Leveler) slog.Handler {
	return &handler{queue: q, min: min}
}

// Flush hands every queued line to emit, oldest first, on the caller's thread.
// It may be called from several threads: each line is emitted once.
func (q *Queue) Flush(emit func(Line)) {
	if q.pending.Load() == 0 {
		return
	}
	q.mu.Lock()
	lines, dropped := q.lines, q.dropped
	q.lines, q.dropped = nil, 0
	q.pending.Store(0)
	q.mu.Unlock()
	if dropped > 0 {
		emit(Line{slog.LevelWarn, fmt.Sprintf("%d older log lines were dropped: the server did not call for them in time", dropped)})
	}
	for _, l := range lines {
		emit(l)
	}
}

func (q *Queue) add(l Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) >= q.limit {
		q.lines = append(q.lines[:0], q.lines[1:]...)
		q.dropped++
	}
	q.lines = append(q.lines, l)
	q.pending.Store(int64(len(q.lines)))
}

// handler is the slog.Handler in front of a Queue. Attributes follow the
// message as name=value; a group's name stands before theirs with a dot.
type handler struct {
	queue  *Queue
	min    slog.Leveler
	attrs  string // what With added, already as text
	prefix string // the open groups, each with its dot
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.min.Level() }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.prefix, a)
		return true
	})
	h.queue.add(Line{r.Level, oneLine(b.String())})
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		writeAttr(&b, h.prefix, a)
	}
	c := *h
	c.attrs = b.String()
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

func writeAttr(b *strings.Builder, prefix string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			writeAttr(b, prefix, inner)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	text := v.String()
	if text == "" || strings.ContainsAny(text, " \t\n\"=") {
		text = fmt.Sprintf("%q", text)
	}
	fmt.Fprintf(b, " %s%s=%s", prefix, a.Key, text)
}

// oneLine keeps a text from forging further log lines.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.TrimSpace(s))
}
