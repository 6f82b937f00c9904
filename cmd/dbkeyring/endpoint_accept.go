package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

type endpointAcceptCmd struct {
	Name     string `arg:"" help:"The client's name: 1 to 64 of A-Z a-z 0-9 . _ -"`
	File     string `arg:"" help:"Its certificate in PEM, of a CA that was imported."`
	Role     string `enum:"owner,reader,security-engineer,operator,auditor,administrator" default:"owner" placeholder:"ROLE" help:"What it may do, one of: ${enum} (default owner, which is a database)."`
	Group    string `placeholder:"NAME" help:"Share the objects of this group: any name, or that of a client, whose objects then are the group's."`
	Reclaim  bool   `help:"Take up the name of a client that was removed, and its keys with it."`
	Renew    bool   `help:"The client is there: give it this certificate besides those it has."`
	CutOld   bool   `help:"With --renew: end the old certificates now, not at their own end."`
	dataFlag `embed:""`
}

// Run enters a certificate that an imported CA has signed.
func (c *endpointAcceptCmd) Run(p *process) error {
	if err := endpoint.CheckName(c.Name); err != nil {
		return explain(err)
	}
	switch {
	case c.CutOld && !c.Renew:
		return &failed{err: errors.New("--cut-old goes with --renew"), code: exitUsage}
	case c.Renew && (c.Reclaim || c.Group != "" || c.Role != string(endpoint.Owner)):
		return &failed{err: errors.New("--renew changes nothing but the certificate: leave out --role, --group and --reclaim"), code: exitUsage}
	}
	certs, err := pki.LoadCertificates(c.File)
	if err != nil {
		return fmt.Errorf("FILE: %w", err)
	}
	r := admin.AcceptRequest{Name: c.Name, Certificate: certs[0].Raw, Group: c.Group, Reclaim: c.Reclaim, Renew: c.Renew, CutOld: c.CutOld}
	if c.Role != string(endpoint.Owner) { // a name that is taken up may have had another
		r.Role = endpoint.Role(c.Role)
	}
	return withService(p, c.Data, func(s admin.Service) error {
		e, err := s.Accept(p.ctx, r)
		if err != nil {
			return err
		}
		last := e.Certificates[len(e.Certificates)-1]
		_, err = fmt.Fprintf(p.stdout, "endpoint %s: certificate of CA %s until %s\n", e.Name, last.CA, last.NotAfter.Format(time.DateOnly))
		return err
	})
}
