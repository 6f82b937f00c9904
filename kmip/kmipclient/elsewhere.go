package kmipclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
)

const (
	// elsewhereMost bounds what asking the other servers takes, and elsewhereSilent
	// TCP and TLS with one that was silent within the last silentFor.
	elsewhereMost   = 5 * time.Second
	elsewhereSilent = time.Second
	silentFor       = time.Minute
)

// ErrAbsent is what a question to [Elsewhere] answers when the server does not have
// what is looked for.
var ErrAbsent = errors.New("the key server does not have it")

// AbsentError is the answer of all other servers that gave one: they do not have
// it either.
type AbsentError struct {
	// Silent are those that gave no answer. They may have it.
	Silent []*ServerError
}

// Error tells who was silent.
func (e *AbsentError) Error() string {
	if len(e.Silent) == 0 {
		return "no key server has it"
	}
	return "no key server that answered has it, but not all did: " + (&Error{Servers: e.Silent}).Error()
}

// Unwrap gives ErrAbsent, and why the silent ones are.
func (e *AbsentError) Unwrap() []error {
	all := []error{ErrAbsent}
	for _, s := range e.Silent {
		all = append(all, s)
	}
	return all
}

// AnswerError is what another server answered that is neither yes nor no, such as
// a refusal.
type AnswerError struct {
	Server string // as in Options.Servers
	Err    error
}

// Error gives "server: answer".
func (e *AnswerError) Error() string { return e.Server + ": " + e.Err.Error() }

// Unwrap gives the answer.
func (e *AnswerError) Unwrap() error { return e.Err }

// Elsewhere looks for something on all servers but one, which has said that it does
// not have it; "" for none. They are asked at once, each over a connection of its
// own: question gets a client of one server alone and returns what it found, or
// ErrAbsent. drop gets what was found and is not returned, on any goroutine and
// perhaps after the return.
//
// The best server that has it becomes the one in use. If none has it the error is
// an *AbsentError, or an *AnswerError if a server answered something else. Servers
// that do not answer within 5 s, or within Options.ConnectTimeout or Options.Timeout
// if that is less, are silent; one that was so lately has a second for TCP and TLS.
func Elsewhere[T any](ctx context.Context, c *Client, except string, question func(context.Context, *Client) (T, error), drop func(T)) (T, error) {
	type finding struct {
		value T
		from  *Client
	}
	var none T
	var servers []*server
	for _, s := range c.servers {
		if s.addr != except {
			servers = append(servers, s)
		}
	}
	if len(servers) == 0 {
		return none, &AbsentError{}
	}
	live, stop := c.untilClosed(ctx)
	defer stop()
	r := race[finding]{
		try: func(ctx context.Context, i int) (finding, error) {
			s := servers[i]
			ctx, cancel := context.WithTimeout(ctx, min(c.o.ConnectTimeout, c.o.Timeout, elsewhereMost))
			defer cancel()
			one := c.cloneFor(s)
			if s.silentWithin(silentFor) {
				one.sessionTimeout = elsewhereSilent
			}
			value, err := question(ctx, one)
			if err != nil {
				one.Close()
			}
			return finding{value, one}, err
		},
		drop:   func(f finding) { f.from.Close(); drop(f.value) },
		gap:    func(int) time.Duration { return 0 },
		better: func(i, j int) bool { return servers[i].rank < servers[j].rank },
	}
	f, winner, errs := r.run(live, len(servers))
	if winner >= 0 {
		c.adopt(ctx, f.from)
		return f.value, nil
	}
	switch {
	case c.isClosed():
		return none, ErrClosed
	case ctx.Err() != nil:
		return none, fmt.Errorf("ask the other key servers: %w", ctx.Err())
	}
	absent := &AbsentError{}
	for i, err := range errs {
		var silent *Error
		switch {
		case errors.Is(err, ErrAbsent):
		case errors.As(err, &silent):
			absent.Silent = append(absent.Silent, silent.Servers...)
		case kmip.ReasonOf(err) == 0 && errors.Is(err, context.DeadlineExceeded):
			absent.Silent = append(absent.Silent, &ServerError{Server: servers[i].addr, Phase: PhaseWait, Err: err})
		default:
			return none, &AnswerError{servers[i].addr, err}
		}
	}
	return none, absent
}

// adopt takes the connection over from a client of one server, which it closes.
func (c *Client) adopt(ctx context.Context, one *Client) {
	defer one.Close()
	if one.take(ctx) != nil {
		return
	}
	cn := one.conn
	one.conn = nil
	one.give()
	if cn == nil {
		return
	}
	if c.take(ctx) != nil {
		cn.Close()
		return
	}
	defer c.give()
	if c.current == cn.server && c.conn != nil {
		cn.Close()
		return
	}
	c.o.Logger.Info("another key server has what this one lacks; it is in use now", "server", cn.server.addr, "place", cn.server.rank+1, "of", len(c.servers))
	c.back.wait = max(c.back.wait, comebackAfter)
	c.back.next = time.Now().Add(jittered(c.back.wait))
	c.moveTo(cn)
}
