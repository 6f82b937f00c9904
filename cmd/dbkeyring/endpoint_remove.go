package main

import (
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

type endpointRemoveCmd struct {
	Name     string `arg:"" help:"The client's name."`
	dataFlag `embed:""`
}

// Run takes a client's access away.
func (c *endpointRemoveCmd) Run(p *process) error {
	if err := endpoint.CheckName(c.Name); err != nil {
		return explain(err)
	}
	return withService(p, c.Data, func(s admin.Service) error {
		e, err := s.Remove(p.ctx, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "endpoint %s: no access any more; its keys stay\n", e.Name)
		return err
	})
}
