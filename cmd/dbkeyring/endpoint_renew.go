package main

import (
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

type endpointRenewCmd struct {
	Name     string `arg:"" help:"The client's name."`
	outFlags `embed:""`
	Life     life `placeholder:"DURATION" default:"365d" help:"How long the certificate lasts: 90d, 2y, 12h (default 365d)."`
	CutOld   bool `help:"End the old certificates now, not at their own end: for a key that leaked."`
	dataFlag `embed:""`
}

// Run renews a client's certificate.
func (c *endpointRenewCmd) Run(p *process) error {
	if err := endpoint.CheckName(c.Name); err != nil {
		return explain(err)
	}
	if err := c.check(); err != nil {
		return err
	}
	return withService(p, c.Data, func(s admin.Service) error {
		return c.enrol(p, s, "dbkeyring endpoint renew "+c.Name, func(public []byte) (admin.Issued, error) {
			return s.Renew(p.ctx, admin.RenewRequest{Name: c.Name, PublicKey: public, Life: time.Duration(c.Life), CutOld: c.CutOld})
		})
	})
}
