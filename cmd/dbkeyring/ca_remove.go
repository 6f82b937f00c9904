package main

import (
	"fmt"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
)

type caRemoveCmd struct {
	Name     string `arg:"" help:"The CA's name."`
	Force    bool   `help:"Even if clients have their certificates of it: they have no access any more. Their keys stay."`
	dataFlag `embed:""`
}

// Run removes an imported CA.
func (c *caRemoveCmd) Run(p *process) error {
	return withService(p, c.Data, func(s admin.Service) error {
		ca, err := s.RemoveCA(p.ctx, admin.CARemoval{Name: c.Name, Force: c.Force})
		if err != nil {
			return err
		}
		text := "nobody had a certificate of it"
		if len(ca.Endpoints) > 0 {
			text = "without access now, their keys stay: " + strings.Join(ca.Endpoints, ", ")
		}
		_, err = fmt.Fprintf(p.stdout, "CA %s: removed; %s\n", c.Name, text)
		return err
	})
}
