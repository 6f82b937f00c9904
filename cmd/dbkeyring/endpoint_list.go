package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

type endpointListCmd struct {
	JSON     bool `name:"json" help:"Print JSON, with every certificate."`
	dataFlag `embed:""`
}

// Run lists the clients.
func (c *endpointListCmd) Run(p *process) error {
	return withService(p, c.Data, func(s admin.Service) error {
		all, err := s.List(p.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, all)
		}
		return printEndpoints(p, all, time.Now())
	})
}

func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(value)
}

func printEndpoints(p *process, all []endpoint.Endpoint, now time.Time) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.stdout, "no endpoints found")
		return err
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	limited := slices.ContainsFunc(all, func(e endpoint.Endpoint) bool { return e.Limits != endpoint.Limits{} })
	limits := func(text string) string {
		if !limited {
			return ""
		}
		return "\t" + text
	}
	fmt.Fprintln(table, "Name\tRole\tGroup\tState\tCertificate until\tFingerprint"+limits("Limits"))
	for _, e := range all {
		group := e.Group
		if group == "" {
			group = "-"
		}
		end := "-"
		if until := e.NotAfter(); !until.IsZero() {
			end = until.Format(time.DateOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s%s\n", e.Name, e.Role, group, stateOf(e, now), end, newest(e), limits(e.Limits.String()))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, e := range all {
		if state := stateOf(e, now); state == endsSoon || state == expired {
			fmt.Fprintf(p.stderr, "warning: the certificate of endpoint %s: %s (%s). Renew it with: dbkeyring endpoint renew %s\n",
				e.Name, state, e.NotAfter().Format(time.DateOnly), e.Name)
		}
	}
	return nil
}

// States that want attention.
const (
	endsSoon  = "ends soon"
	expired   = "expired"
	untrusted = "refused" // by the CA that stood for it
)

func stateOf(e endpoint.Endpoint, now time.Time) string {
	switch end := e.NotAfter(); {
	case e.Removed != nil:
		return "removed"
	case end.IsZero():
		return untrusted
	case end.Before(now):
		return expired
	case end.Before(now.Add(pki.RenewBefore)):
		return endsSoon
	}
	return "active"
}

// newest is the beginning of the newest certificate's fingerprint.
func newest(e endpoint.Endpoint) string {
	if len(e.Certificates) == 0 {
		return "-"
	}
	return e.Certificates[len(e.Certificates)-1].Fingerprint.String()[:16]
}
