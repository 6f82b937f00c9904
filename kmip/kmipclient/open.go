package kmipclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// allServers and allAddresses are within what time the last server of a list,
	// and the last address of a server, is tried.
	allServers   = 2 * time.Second
	allAddresses = 500 * time.Millisecond
	// maxSockets is how many attempts to connect a client and its clones have at a
	// time, beside one for each server.
	maxSockets = 128
)

// openAny connects to the best of the servers that can be had, in attempts that
// overlap. It leaves out those that failed before and adds those that fail now.
// The connection is nil if there is none.
func (c *Client) openAny(ctx context.Context, servers []*server, failed *failures) *conn {
	servers = failed.others(servers)
	if len(servers) == 0 {
		return nil
	}
	ctx, stop := c.untilClosed(ctx)
	defer stop()
	r := race[*conn]{
		try:    func(ctx context.Context, i int) (*conn, error) { return asError(c.open(ctx, servers[i])) },
		drop:   func(cn *conn) { cn.Close() },
		gap:    headStarts(len(servers), allServers),
		better: func(i, j int) bool { return servers[i].rank < servers[j].rank },
	}
	cn, _, errs := r.run(ctx, len(servers))
	for i, err := range errs {
		if err != nil {
			failed.add(servers[i], asFault(servers[i], PhaseConnect, err))
		}
	}
	return cn
}

// untilClosed returns a context that ends with the client, too.
func (c *Client) untilClosed(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// open connects to one server, within ConnectTimeout: to whichever of its
// addresses first gives a TLS session with a settled version.
func (c *Client) open(ctx context.Context, s *server) (*conn, *ServerError) {
	ctx, cancel := context.WithTimeout(ctx, c.o.ConnectTimeout)
	defer cancel()
	addresses, err := c.addresses(ctx, s)
	if err != nil {
		return nil, faultOf(ctx, s, PhaseResolve, err)
	}
	r := race[*conn]{
		try: func(ctx context.Context, i int) (*conn, error) {
			if i > 0 { // the first address of a server never waits for those of others
				select {
				case c.sockets <- struct{}{}:
					defer func() { <-c.sockets }()
				case <-ctx.Done():
					return nil, faultOf(ctx, s, PhaseConnect, ctx.Err())
				}
			}
			return asError(c.openAddress(ctx, s, addresses[i]))
		},
		drop: func(cn *conn) { cn.Close() },
		gap:  headStarts(len(addresses), allAddresses),
	}
	cn, winner, errs := r.run(ctx, len(addresses))
	if winner >= 0 {
		return cn, nil
	}
	return nil, furthest(s, addresses, errs)
}

// addresses resolves the server's name, each address with the port.
func (c *Client) addresses(ctx context.Context, s *server) ([]string, error) {
	hosts := []string{s.host}
	if _, err := netip.ParseAddr(s.host); err != nil {
		if hosts, err = c.o.Resolve(ctx, s.host); err != nil {
			return nil, err
		}
	}
	if len(hosts) == 0 {
		return nil, &net.DNSError{Err: "the name has no address", Name: s.host, IsNotFound: true}
	}
	addresses := make([]string, len(hosts))
	for i, h := range hosts {
		addresses[i] = net.JoinHostPort(h, s.port)
	}
	return addresses, nil
}

// openAddress makes a connection that is ready for requests.
func (c *Client) openAddress(ctx context.Context, s *server, address string) (*conn, *ServerError) {
	cn, fault := c.session(ctx, s, address)
	if fault != nil {
		return nil, fault
	}
	if cn, fault = c.negotiate(ctx, cn); fault != nil {
		return nil, fault
	}
	if err := ctx.Err(); err != nil { // its end may have spoilt the connection
		cn.Close()
		return nil, faultOf(ctx, s, PhaseConnect, err)
	}
	return cn, nil
}

// furthest makes one fault of those of a server's addresses: that of the address
// that came furthest.
func furthest(s *server, addresses []string, errs []error) *ServerError {
	var all []*ServerError
	var worst *ServerError
	which := 0
	for i, err := range errs {
		if err == nil {
			continue
		}
		e := asFault(s, PhaseConnect, err)
		all = append(all, e)
		if worst == nil || e.Phase > worst.Phase {
			worst, which = e, i
		}
	}
	if len(addresses) > 1 {
		worst = &ServerError{Server: worst.Server, Phase: worst.Phase,
			Err: fmt.Errorf("%s: %w (%d of %d addresses tried)", addresses[which], worst.Err, len(all), len(addresses))}
	}
	return worst
}

// asFault gives the *ServerError that err is, or makes one.
func asFault(s *server, p Phase, err error) *ServerError {
	if e, ok := errors.AsType[*ServerError](err); ok {
		return e
	}
	return &ServerError{Server: s.addr, Phase: p, Err: err}
}

// asError makes an error out of a fault: a nil *ServerError would not be one.
func asError[T any](value T, fault *ServerError) (T, error) {
	if fault != nil {
		return value, fault
	}
	return value, nil
}

// failures are the servers that failed in the course of a call.
type failures struct {
	servers []*server
	faults  []*ServerError
}

func (f *failures) add(s *server, e *ServerError) {
	s.failed(e)
	f.servers, f.faults = append(f.servers, s), append(f.faults, e)
}

// others are the servers without those that failed.
func (f *failures) others(servers []*server) []*server {
	return slices.DeleteFunc(slices.Clone(servers), func(s *server) bool { return slices.Contains(f.servers, s) })
}
