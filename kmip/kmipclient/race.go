package kmipclient

import (
	"context"
	"fmt"
	"time"
)

const (
	// headStart is what an attempt has before the next one starts beside it, and
	// what a better one has to overtake one that succeeded.
	headStart = 250 * time.Millisecond
	// afterEnd is how long attempts are waited for that were told to end: only they
	// know how far they had come.
	afterEnd = 250 * time.Millisecond
)

// race runs attempts that overlap. They start in order, each as soon as one has
// failed or the one before has had its head start. The first to succeed wins,
// unless a better one that is under way succeeds within headStart.
type race[T any] struct {
	// try makes one attempt. It ends with its context, or soon after.
	try func(ctx context.Context, i int) (T, error)
	// drop gets what an attempt brought that did not win.
	drop func(T)
	// gap is the head start over attempt i of the one before.
	gap func(i int) time.Duration
	// better says whether attempt i is to be preferred to j. Nil: none is.
	better func(i, j int) bool
}

// outcome is what became of attempt i.
type outcome[T any] struct {
	i     int
	value T
	err   error
}

// run makes n attempts. winner is -1 if all failed; errs says why, with nil for
// those that were not started or not awaited.
func (r race[T]) run(ctx context.Context, n int) (won T, winner int, errs []error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes, over := make(chan outcome[T]), make(chan struct{})
	defer close(over)
	errs = make([]error, n)
	winner = -1

	underWay := map[int]bool{}
	started := 0
	next := time.NewTimer(time.Hour)
	next.Stop()
	defer next.Stop()
	start := func() {
		i := started
		started++
		underWay[i] = true
		go r.attempt(ctx, i, outcomes, over)
		if started < n {
			next.Reset(r.gap(started))
		}
	}
	overtaking := func() bool { // whether a better one than the winner is under way
		for i := range underWay {
			if r.better != nil && r.better(i, winner) {
				return true
			}
		}
		return false
	}

	var enough <-chan time.Time // when nothing more is waited for
	done := ctx.Done()
	for start(); len(underWay) > 0; {
		select {
		case o := <-outcomes:
			delete(underWay, o.i)
			switch {
			case o.err != nil:
				errs[o.i] = o.err
				if winner < 0 && started < n && done != nil {
					start()
				}
			case winner < 0:
				won, winner = o.value, o.i
				next.Stop()
				enough = time.After(headStart)
			case r.better != nil && r.better(o.i, winner):
				r.drop(won)
				won, winner = o.value, o.i
			default:
				r.drop(o.value)
			}
			if winner >= 0 && (done == nil || !overtaking()) {
				return won, winner, errs
			}
		case <-next.C:
			if winner < 0 && started < n && done != nil {
				start()
			}
		case <-enough:
			for i := range underWay {
				if winner < 0 {
					errs[i] = context.Cause(ctx)
				}
			}
			return won, winner, errs
		case <-done:
			if winner >= 0 {
				return won, winner, errs
			}
			done, enough = nil, time.After(afterEnd)
		}
	}
	return won, winner, errs
}

// attempt reports how attempt i went, or drops what it brought when the race is
// over.
func (r race[T]) attempt(ctx context.Context, i int, outcomes chan<- outcome[T], over <-chan struct{}) {
	o := outcome[T]{i: i}
	defer func() {
		if p := recover(); p != nil {
			o.err = fmt.Errorf("internal error: %v", p)
		}
		select {
		case outcomes <- o:
		case <-over:
			if o.err == nil {
				r.drop(o.value)
			}
		}
	}()
	o.value, o.err = r.try(ctx, i)
}

// headStarts gives n attempts their head starts: at most so much in all that the
// last one starts within the given time, whatever their number. The first one
// always has a full one, so that nobody else is troubled while all is well.
func headStarts(n int, within time.Duration) func(i int) time.Duration {
	return func(i int) time.Duration {
		if i == 1 || n <= 2 {
			return headStart
		}
		return min(headStart, (within-headStart)/time.Duration(n-2))
	}
}
