// Package queue brings the Updates of many goroutines to the one that writes, in
// groups: as many clients as there are share a commit, and a single one never waits
// for company.
package queue

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// maxGroup bounds how many Updates share a commit, and so how long the first of
// them waits.
const maxGroup = 256

// Update is one caller's change on its way through the writer.
type Update struct {
	fn     func(store.Writer) error
	state  atomic.Int32
	ran    chan struct{} // closed when fn will not run any more
	result chan error    // has room for the one answer, so the writer never waits
}

// The states of an Update: whoever moves it from waiting to taken decides.
const (
	waiting int32 = iota
	taken
)

// Take says whether the Update is to be carried out: its caller may have given it up,
// and a group that failed may have been answered. Each taken one gets one Answer.
func (u *Update) Take() bool { return u.state.CompareAndSwap(waiting, taken) }

// Run calls the caller's function, once. The writer survives its panic.
func (u *Update) Run(w store.Writer) (err error) {
	defer close(u.ran)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("internal error: a change panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return u.fn(w)
}

// Answer tells the caller what came of it.
func (u *Update) Answer(err error) { u.result <- err }

// Refuse answers an Update that was not carried out, if its caller still waits.
func (u *Update) Refuse(err error) {
	if u.Take() {
		close(u.ran)
		u.Answer(err)
	}
}

// Queue is where Updates wait.
type Queue struct {
	updates chan *Update

	mu     sync.RWMutex // held for reading while sending to updates
	closed bool
	done   chan struct{} // closed when the writer has ended
}

// New starts the writer: commit carries out a group of Updates and answers each.
func New(commit func(group []*Update)) *Queue {
	q := &Queue{updates: make(chan *Update, maxGroup), done: make(chan struct{})}
	go q.write(commit)
	return q
}

// Do is [store.Store]'s Update.
func (q *Queue) Do(ctx context.Context, fn func(store.Writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	u := &Update{fn: fn, ran: make(chan struct{}), result: make(chan error, 1)}
	if err := q.add(ctx, u); err != nil {
		return err
	}
	select {
	case err := <-u.result:
		return err
	case <-ctx.Done():
	}
	if !u.Take() {
		<-u.ran // fn may use what the caller takes back when Do returns
	}
	return ctx.Err()
}

func (q *Queue) add(ctx context.Context, u *Update) error {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.closed {
		return store.ErrClosed
	}
	select {
	case q.updates <- u:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close returns when all that waits has been carried out and answered. first says
// whether it is the first call.
func (q *Queue) Close() (first bool) {
	q.mu.Lock()
	first = !q.closed
	if first {
		q.closed = true
		close(q.updates)
	}
	q.mu.Unlock()
	<-q.done
	return first
}

// write is the writer goroutine: it ends when the queue is closed and empty.
func (q *Queue) write(commit func([]*Update)) {
	defer close(q.done)
	for first := range q.updates {
		group := []*Update{first}
	fill:
		for len(group) < maxGroup {
			select {
			case u, ok := <-q.updates:
				if !ok {
					break fill
				}
				group = append(group, u)
			default:
				break fill
			}
		}
		commit(group)
	}
}
