package kmip

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// pause is the time between two rounds through the servers, at most.
const pause = time.Second

// rest waits for the next round; it says whether the context lasted.
func rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause/2 + rand.N(pause/2)):
		return true
	}
}

// attempt asks until a server answers, Options.Attempts times. What may have been carried
// out is not asked for again.
func attempt[T any](ctx context.Context, p *Provider, ask func() (T, error)) (answer T, err error) {
	for n := 1; ; n++ {
		answer, err = ask()
		if n >= p.o.Attempts || !open(err) || !rest(ctx) {
			return answer, err
		}
	}
}

// open says whether another answer is to be had by asking later: nobody has answered, or
// only servers that lack the object have.
func open(err error) bool {
	var nobody *kmipclient.Error
	var absent *kmipclient.AbsentError
	if errors.As(err, &absent) {
		return len(absent.Silent) > 0
	}
	return errors.As(err, &nobody) && !errors.Is(err, kmipclient.ErrOutcomeUnknown)
}

// question is what is asked of servers that may differ: one of them may lag behind, or be
// a standby that never had the key.
type question[T any] struct {
	ask func(context.Context, *kmipclient.Client) (T, error)
	// final says whether an answer needs no other server's word; nil: each is.
	final func(T) bool
	// drop gets the answers that are not returned; nil: there is nothing to do.
	drop func(T)
}

// answer is what a server said.
type answer[T any] struct {
	value  T
	server string
}

// everywhere is a round of questions, and more if it leaves the answer open.
func everywhere[T any](ctx context.Context, p *Provider, q question[T]) (answer[T], error) {
	return attempt(ctx, p, func() (answer[T], error) { return round(ctx, p, q) })
}

// round asks the server in use and, if that one does not have it or its answer is
// not final, all others, too. The first final answer counts; without one, the first
// answer. Item Not Found is an error that is an *AbsentError: no server that answers has
// it.
func round[T any](ctx context.Context, p *Provider, q question[T]) (answer[T], error) {
	if q.drop == nil {
		q.drop = func(T) {}
	}
	before := p.client.Status()
	value, err := q.ask(ctx, p.client)
	after := p.client.Status()
	first := answer[T]{value, after.Server}
	lacks := kmip.ReasonOf(err) == kmip.ReasonItemNotFound
	if err != nil && !lacks || err == nil && (q.final == nil || q.final(value)) {
		return first, err
	}
	asked := after.Server
	if asked != before.Server || !after.Since.Equal(before.Since) {
		asked = "" // it may have been another server that answered: all are asked
	}
	found, other := kmipclient.Elsewhere(ctx, p.client, asked, func(ctx context.Context, one *kmipclient.Client) (answer[T], error) {
		value, err := q.ask(ctx, one)
		switch {
		case kmip.ReasonOf(err) == kmip.ReasonItemNotFound:
			err = kmipclient.ErrAbsent
		case err == nil && q.final != nil && !q.final(value):
			q.drop(value)
			err = kmipclient.ErrAbsent
		}
		return answer[T]{value, one.Status().Server}, err
	}, func(a answer[T]) { q.drop(a.value) })
	var absent *kmipclient.AbsentError
	var neither *kmipclient.AnswerError
	switch {
	case other == nil:
		if err == nil {
			q.drop(value)
		}
		return found, nil
	case err == nil && (errors.As(other, &absent) || errors.As(other, &neither)):
		return first, nil // nobody says otherwise
	case err == nil:
		q.drop(value)
	}
	return answer[T]{}, other
}
