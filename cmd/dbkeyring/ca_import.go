package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

type caImportCmd struct {
	File     string `arg:"" help:"The CA's certificates in PEM: that which signs the clients', and others."`
	Name     string `placeholder:"NAME" help:"What to call it (default: the file's name without its ending)."`
	CRL      string `name:"crl" placeholder:"FILE" help:"Its revocation list, PEM or DER."`
	dataFlag `embed:""`
}

// Help is the long help.
func (caImportCmd) Help() string {
	return "Its signature alone lets nobody in: enter each client's certificate with 'dbkeyring endpoint accept'."
}

// Run imports a CA.
func (c *caImportCmd) Run(p *process) error {
	r := admin.CAImport{Name: c.Name}
	if r.Name == "" {
		r.Name = strings.TrimSuffix(filepath.Base(c.File), filepath.Ext(c.File))
	}
	var err error
	if r.Certificates, err = readCAFile("FILE", c.File); err != nil {
		return err
	}
	if c.CRL != "" {
		if r.CRL, err = readCAFile("--crl", c.CRL); err != nil {
			return err
		}
	}
	return withService(p, c.Data, func(s admin.Service) error {
		ca, err := s.ImportCA(p.ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		return tellCA(p, ca)
	})
}

// tellCA prints a CA, a line for each of its certificates.
func tellCA(p *process, ca endpoint.CA) error {
	for _, i := range ca.Issuers {
		if _, err := fmt.Fprintf(p.stdout, "CA %s: %s, until %s, %s\n", ca.Name, i.Subject, i.NotAfter.Format(time.DateOnly), crlText(i.CRL)); err != nil {
			return err
		}
	}
	return nil
}

// crlText tells about a revocation list.
func crlText(l *endpoint.CRL) string {
	if l == nil {
		return "no revocation list"
	}
	return fmt.Sprintf("revocation list of %s, revoked: %d", l.ThisUpdate.Format(time.DateOnly), l.Revoked)
}
