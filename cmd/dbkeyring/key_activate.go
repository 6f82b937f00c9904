package main

import (
	"context"

	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

type keyActivateCmd struct {
	IDs         []string `arg:"" name:"id" help:"The objects' Unique IDs."`
	clientFlags `embed:""`
}

// Run activates objects.
func (c *keyActivateCmd) Run(p *process) error {
	return c.withClient(p, func(ctx context.Context, client *kmipclient.Client) error {
		return each(p, c.IDs, "Active", func(id string) error {
			_, err := client.Activate(ctx, id)
			return err
		})
	})
}
