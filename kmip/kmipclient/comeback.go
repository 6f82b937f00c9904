package kmipclient

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// comebackAfter is how long a worse server is used before a better one is looked
	// for, more or less a fifth.
	comebackAfter = 30 * time.Second
	// comebackMost is the most that it grows to while a better server comes and goes.
	comebackMost = 8 * time.Minute
)

// comeback is the way back to a better server. There is no clock of its own: calls
// set it going, so that who does not use the servers does not trouble them.
type comeback struct {
	looking atomic.Bool

	// What follows belongs to the holder of the turn.
	next  time.Time     // when to look
	wait  time.Duration // between two looks
	since time.Time     // when it last came to a better server
}

// stayKey is the key of what Stay puts into a context.
type stayKey struct{}

type stay struct {
	client *Client
	server *server
}

// Stay returns a context whose calls go only to the server in use now. It is for
// operations that follow one another on an object: on another server its
// identifier may mean nothing yet. Before the first call it returns ctx.
func (c *Client) Stay(ctx context.Context) context.Context {
	last := c.Status().Server
	for _, s := range c.servers {
		if s.addr == last {
			return context.WithValue(ctx, stayKey{}, stay{c, s})
		}
	}
	return ctx
}

// pinned is the server that the context is for; nil for any.
func (c *Client) pinned(ctx context.Context) *server {
	if s, ok := ctx.Value(stayKey{}).(stay); ok && s.client == c {
		return s.server
	}
	return nil
}

// order is in which order the servers are tried: the last good one first.
func (c *Client) order(ctx context.Context) []*server {
	if s := c.pinned(ctx); s != nil {
		return []*server{s}
	}
	if c.current == nil {
		return c.servers
	}
	order := []*server{c.current}
	for _, s := range c.servers {
		if s != c.current {
			order = append(order, s)
		}
	}
	return order
}

// use makes the server that has answered the current one. passed is what was
// wrong with others.
func (c *Client) use(s *server, passed []*ServerError) {
	switch {
	case s != c.current:
		if s.rank > c.best().rank || c.current != nil {
			cause := "no answer in good time"
			if len(passed) > 0 {
				cause = (&Error{Servers: passed}).Error()
			}
			c.o.Logger.Info("another key server is in use", "server", s.addr, "place", s.rank+1, "of", len(c.servers), "cause", cause)
		}
		now := time.Now()
		if c.current != nil && s.rank > c.current.rank && !c.back.since.IsZero() && now.Sub(c.back.since) < c.back.wait {
			c.back.wait = min(2*c.back.wait, comebackMost) // it comes and goes
		} else {
			c.back.wait = comebackAfter
		}
		c.back.next = now.Add(jittered(c.back.wait))
		c.current = s
	case s.rank > c.best().rank && !time.Now().Before(c.back.next) && c.back.looking.CompareAndSwap(false, true):
		c.back.next = time.Now().Add(jittered(c.back.wait))
		i := slices.Index(c.servers, s)
		go c.lookForBetter(c.servers[:i])
	}
}

// best is the first server that this client may use.
func (c *Client) best() *server { return c.servers[0] }

func jittered(d time.Duration) time.Duration { return d - d/5 + rand.N(2*d/5) }

// lookForBetter moves over to one of the servers if it answers, between two
// exchanges.
func (c *Client) lookForBetter(servers []*server) {
	defer func() {
		if p := recover(); p != nil {
			c.o.Logger.Error("internal error while looking for a better key server", "panic", p)
		}
		c.back.looking.Store(false)
	}()
	if cn := c.openChecked(servers); cn != nil {
		c.comeBack(cn)
	}
}

// comeBack makes cn the connection in use, unless something better has happened
// since it was opened.
func (c *Client) comeBack(cn *conn) {
	select {
	case c.turn <- struct{}{}:
	case <-c.life.Done():
		cn.Close()
		return
	}
	defer c.give()
	if c.isClosed() || c.current == nil || c.current.rank <= cn.server.rank {
		cn.Close()
		return
	}
	c.o.Logger.Info("a better key server is back in use", "server", cn.server.addr, "place", cn.server.rank+1, "of", len(c.servers))
	c.moveTo(cn)
	c.back.since = time.Now()
	c.back.next = c.back.since.Add(jittered(c.back.wait))
}

// openChecked connects to the best of the servers that answers a question. A
// connection alone shows little where the version is fixed: nothing was asked.
func (c *Client) openChecked(servers []*server) *conn {
	ctx, cancel := context.WithTimeout(c.life, c.o.ConnectTimeout+c.o.Timeout)
	defer cancel()
	var failed failures
	for ctx.Err() == nil {
		cn := c.openAny(ctx, servers, &failed)
		if cn == nil {
			break
		}
		_, _, _, fault := cn.ask(ctx, harmless)
		if fault == nil {
			cn.server.answered()
			return cn
		}
		cn.Close()
		failed.add(cn.server, fault)
	}
	return nil
}

// moveTo makes cn the connection in use. The caller holds the turn.
func (c *Client) moveTo(cn *conn) {
	c.hangUp()
	c.conn, c.current = cn, cn.server
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.describe(cn)
}
