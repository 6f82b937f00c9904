package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyserver"
)

// checkAddress says whether an option's value is an address to listen on.
func checkAddress(option, address string) (host string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && port != "0" { // 0: the system chooses one
		_, err = config.ParsePort(port)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w. Give HOST:PORT, such as 0.0.0.0:5696", option, address, err)
	}
	return host, nil
}

// listen opens the address that an option gives.
func listen(ctx context.Context, option, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &failed{err: fmt.Errorf("%s %s: the address is in use", option, address), hint: "stop the program that listens there, or choose another port"}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	return l, nil
}

// listeners are the server's open ports. What was not asked for is nil.
type listeners struct{ kmip, https, metrics net.Listener }

func (c *serveCmd) listen(ctx context.Context) (l listeners, err error) {
	l.kmip, err = listen(ctx, "--listen", c.Listen)
	if err == nil && c.HTTPS != "" {
		l.https, err = listen(ctx, "--https-listen", c.HTTPS)
	}
	if err == nil && c.Metrics != "" {
		l.metrics, err = listen(ctx, "--metrics-listen", c.Metrics)
	}
	if err != nil {
		l.close()
	}
	return l, err
}

// addressOf returns where ln listens; empty: nowhere.
func addressOf(ln net.Listener) string {
	if ln == nil {
		return ""
	}
	return ln.Addr().String()
}

func (l listeners) close() {
	for _, ln := range []net.Listener{l.kmip, l.https, l.metrics} {
		if ln != nil {
			ln.Close()
		}
	}
}

// answer serves on every port until ctx ends, or one of them fails.
func (s *server) answer(ctx context.Context, keys *keyserver.Server, l listeners) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return keys.Serve(ctx, l.kmip, s.tls()) })
	if l.https != nil {
		g.Go(func() error { return keys.ServeHTTPS(ctx, l.https, s.tls()) })
	}
	if l.metrics != nil {
		s.watch(keys)
		g.Go(func() error {
			return s.metrics.Serve(ctx, l.metrics, s.log, s.storeAnswers, s.dir.Audit.Ready, s.givenHolds)
		})
	}
	return g.Wait()
}
