package main

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

type endpointAddCmd struct {
	Name     string `arg:"" help:"The client's name: 1 to 64 of A-Z a-z 0-9 . _ -"`
	outFlags `embed:""`
	Role     string `enum:"owner,reader,security-engineer,operator,auditor,administrator" default:"owner" placeholder:"ROLE" help:"What it may do, one of: ${enum} (default owner, which is a database)."`
	Group    string `placeholder:"NAME" help:"Share the objects of this group: any name, or that of a client, whose objects then are the group's."`
	Life     life   `placeholder:"DURATION" default:"365d" help:"How long the certificate lasts: 90d, 2y, 12h (default 365d)."`
	Reclaim  bool   `help:"Take up the name of a client that was removed, and its keys with it."`
	dataFlag `embed:""`
}

// Run enrols a client.
func (c *endpointAddCmd) Run(p *process) error {
	if err := endpoint.CheckName(c.Name); err != nil {
		return explain(err)
	}
	if err := c.check(); err != nil {
		return err
	}
	return withService(p, c.Data, func(s admin.Service) error {
		return c.enrol(p, s, "dbkeyring endpoint renew "+c.Name+" --cut-old", func(public []byte) (admin.Issued, error) {
			return s.Add(p.ctx, admin.AddRequest{Name: c.Name, PublicKey: public, Life: time.Duration(c.Life),
				Role: c.role(), Group: c.Group, Reclaim: c.Reclaim})
		})
	})
}

// role leaves out the usual one, which a name that is taken up may not have had.
func (c *endpointAddCmd) role() endpoint.Role {
	if c.Role == string(endpoint.Owner) {
		return ""
	}
	return endpoint.Role(c.Role)
}

// enrol has a key signed by ask and writes the client's files. again is the
// command that repeats it when the files cannot be written.
func (c *outFlags) enrol(p *process, s admin.Service, again string, ask func([]byte) (admin.Issued, error)) error {
	status, err := s.Status(p.ctx)
	if err != nil {
		return err
	}
	undo, err := c.prepare()
	if err != nil {
		return err
	}
	newKey := pki.NewKey
	if c.For == "okv" {
		newKey = pki.NewRSAKey // for the document's "openssl rsa -des3"
	}
	key, err := newKey()
	if err != nil {
		undo()
		return err
	}
	pair, roots, e, err := admin.Enrol(key, ask)
	if err != nil {
		undo()
		return err
	}
	if err := c.write(p, status, pair, roots); err != nil {
		return &failed{
			err:  fmt.Errorf("endpoint %s has its certificate, but its files could not be written: %w", e.Name, err),
			hint: "once there is room, run: " + again + " --for " + c.For + " --out " + c.Out + " --force",
		}
	}
	return told(p, e, pair, roots[0], c.Out)
}

func told(p *process, e endpoint.Endpoint, pair pki.Pair, ca *x509.Certificate, out string) error {
	_, err := fmt.Fprintf(p.stdout, "endpoint %s: files in %s, certificate until %s, CA until %s\n", e.Name, out,
		pair.Certificate.NotAfter.Format(time.DateOnly), ca.NotAfter.Format(time.DateOnly))
	return err
}
