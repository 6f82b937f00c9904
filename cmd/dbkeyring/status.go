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
	client := admin.NewClient(c.Data)
	defer client.Close()
	s, err := c.ask(p.ctx, client)
	if errors.Is(err, admin.ErrNotRunning) {
		return &failed{err: fmt.Errorf("%w: %s", admin.ErrNotRunning, c.Data), hint: "start it with: dbkeyring serve --data " + c.Data, code: exitUnreachable}
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, s)
	}
	_, err = fmt.Fprintf(p.stdout, "running since %s, KMIP on %s\nserver certificate until %s for %s\nCA until %s\n%d endpoints\n",
		s.Started.Format(time.RFC3339), s.Address, s.ServerUntil.Format(time.DateOnly), strings.Join(s.ServerNames, ", "),
		s.CAUntil.Format(time.DateOnly), s.Endpoints)
	return err
}

func (c *statusCmd) ask(ctx context.Context, client *admin.Client) (admin.Status, error) {
	deadline := time.Now().Add(c.Wait)
	for {
		s, err := client.Status(ctx)
		if !errors.Is(err, admin.ErrNotRunning) || time.Now().After(deadline) {
			return s, err
		}
		select {
		case <-ctx.Done():
			return s, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}
