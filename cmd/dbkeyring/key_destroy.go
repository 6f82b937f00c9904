package main

import (
	"context"
	"fmt"

	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

type keyDestroyCmd struct {
	IDs         []string `arg:"" name:"id" help:"The objects' Unique IDs."`
	Yes         bool     `help:"Do not ask."`
	DryRun      bool     `name:"dry-run" help:"Only tell who uses the objects, and what would happen. Needs --data."`
	clientFlags `embed:""`
}

// Run destroys objects.
func (c *keyDestroyCmd) Run(p *process) error {
	if c.DryRun {
		return dryRun(p, c.Data, c.IDs, "Destroy would delete it: what is encrypted with it is lost for good, and a database that uses it does not start again")
	}
	question := fmt.Sprintf("Destroy %d object(s)? What is encrypted with them is lost for good.", len(c.IDs))
	if err := confirm(p, c.Yes, question); err != nil {
		return err
	}
	return c.withClient(p, func(ctx context.Context, client *kmipclient.Client) error {
		return each(p, c.IDs, "destroyed", func(id string) error {
			_, err := client.Destroy(ctx, id)
			return err
		})
	})
}
