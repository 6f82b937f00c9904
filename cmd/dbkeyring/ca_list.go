package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
)

type caListCmd struct {
	JSON     bool `name:"json" help:"Print JSON."`
	dataFlag `embed:""`
}

// Run lists the imported CAs.
func (c *caListCmd) Run(p *process) error {
	return withService(p, c.Data, func(s admin.Service) error {
		all, err := s.CAs(p.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, all)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(p.stdout, "no CAs were imported")
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "Name\tCertificate\tUntil\tRevocation list\tNext list\tEndpoints")
		for _, ca := range all {
			for _, i := range ca.Issuers {
				list, next := "none", "-"
				if i.CRL != nil {
					list = fmt.Sprintf("%s, revoked: %d", i.CRL.ThisUpdate.Format(time.DateOnly), i.CRL.Revoked)
					next = i.CRL.NextUpdate.Format(time.DateOnly)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", ca.Name, i.Subject, i.NotAfter.Format(time.DateOnly), list, next,
					cmp.Or(strings.Join(ca.Endpoints, " "), "-"))
			}
		}
		return table.Flush()
	})
}
