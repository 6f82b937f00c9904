package main

import (
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
)

type caCRLCmd struct {
	Name     string `arg:"" help:"The CA's name."`
	File     string `arg:"" help:"Its revocation list, PEM or DER."`
	dataFlag `embed:""`
}

// Run replaces a revocation list.
func (c *caCRLCmd) Run(p *process) error {
	list, err := readCAFile("FILE", c.File)
	if err != nil {
		return err
	}
	return withService(p, c.Data, func(s admin.Service) error {
		ca, err := s.SetCRL(p.ctx, admin.CRLRequest{Name: c.Name, CRL: list})
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		return tellCA(p, ca)
	})
}
