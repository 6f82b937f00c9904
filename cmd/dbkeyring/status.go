package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
)

type statusCmd struct {
	JSON     bool          `name:"json" help:"Print JSON."`
	Wait     time.Duration `placeholder:"DURATION" help:"Wait so long for a server that starts just now, such as 10s."`
	dataFlag `embed:""`
}

// Run describes the server that runs on a data directory; none is exit code 4.
func (c *statusCmd) Run(p *process) error {
	s, err := runningServer(p.ctx, c.Data, c.Wait)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, s)
	}
	address := s.Address
	if s.HTTPS != "" {
		address += ", over HTTPS on " + s.HTTPS
	}
	if s.Metrics != "" {
		address += ", metrics on " + s.Metrics
	}
	_, err = fmt.Fprintf(p.stdout, "running since %s, KMIP on %s\nserver certificate until %s for %s\nCA until %s\n%d endpoints\n",
		s.Started.Format(time.RFC3339), address, s.ServerUntil.Format(time.DateOnly), strings.Join(s.ServerNames, ", "),
		s.CAUntil.Format(time.DateOnly), s.Endpoints)
	return err
}

// runningServer asks the server that runs on a data directory, and waits for one.
func runningServer(ctx context.Context, dir string, wait time.Duration) (admin.Status, error) {
	client := admin.NewClient(dir)
	defer client.Close()
	deadline := time.Now().Add(wait)
	for {
		s, err := client.Status(ctx)
		switch {
		case !errors.Is(err, admin.ErrNotRunning):
			return s, err
		case time.Now().After(deadline) || ctx.Err() != nil:
			return s, &failed{err: fmt.Errorf("%w: %s", admin.ErrNotRunning, dir), hint: "start it with: dbkeyring serve --data " + dir, code: exitUnreachable}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
