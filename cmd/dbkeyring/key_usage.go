package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/usage"
)

type keyUsageCmd struct {
	IDs      []string `arg:"" name:"id" help:"The objects' Unique IDs."`
	JSON     bool     `name:"json" help:"Print JSON."`
	dataFlag `embed:""`
}

// Help is the long help.
func (keyUsageCmd) Help() string {
	return "Only a key server of dbkeyring's tells that, and only on its own machine. A use is a Get, or work with the key on the server, such as Encrypt. " +
		"Most databases read a key at their start and keep it: one that used a key long ago may still run with it."
}

// Run tells who used objects.
func (c *keyUsageCmd) Run(p *process) error {
	return withService(p, c.Data, func(s admin.Service) error {
		if !c.JSON {
			return tellUsage(p, s, c.IDs, "")
		}
		all := make([]keyserver.UsedBy, len(c.IDs))
		for i, id := range c.IDs {
			var err error
			if all[i], err = s.UsedBy(p.ctx, id); err != nil {
				return err
			}
		}
		return printJSON(p.stdout, all)
	})
}

// dryRun tells what a change of objects would mean, and changes nothing.
func dryRun(p *process, data string, ids []string, then string) error {
	if data == "" {
		return &failed{err: errors.New("--dry-run needs --data: who uses a key is told by a key server of dbkeyring's, on its own machine"), code: exitUsage}
	}
	return withService(p, data, func(s admin.Service) error {
		if err := tellUsage(p, s, ids, then); err != nil {
			return err
		}
		_, err := fmt.Fprintln(p.stdout, "Nothing was changed.")
		return err
	})
}

// tellUsage describes each object for people.
func tellUsage(p *process, s admin.Service, ids []string, then string) error {
	endpoints, err := s.List(p.ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		u, err := s.UsedBy(p.ctx, id)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "key\t%s, %s, %s\n", u.ID, u.Type, u.State)
		if len(u.Names) > 0 {
			fmt.Fprintf(table, "names\t%s\n", printable(strings.Join(u.Names, ", ")))
		}
		if u.Replacement != "" {
			fmt.Fprintf(table, "replaced by\t%s\n", u.Replacement)
		}
		fmt.Fprintf(table, "owner\t%s\n", u.Owner)
		tellUses(table, u, endpoints)
		if then != "" {
			fmt.Fprintf(table, "then\t%s.\n", then)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// tellUses lists the uses, and who might use the object and has not, as far as is known.
func tellUses(w io.Writer, u keyserver.UsedBy, endpoints []endpoint.Endpoint) {
	label := "used by"
	for _, use := range u.Uses {
		state := ""
		switch i := slices.IndexFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == use.Endpoint }); {
		case i < 0 || endpoints[i].Removed != nil:
			state = ", which was removed since"
		case endpoints[i].NotAfter().Before(time.Now()):
			state = ", whose certificate has ended"
		}
		fmt.Fprintf(w, "%s\t%s, last at %s%s\n", label, use.Endpoint, use.At.UTC().Format(time.RFC3339), state)
		label = ""
	}
	if len(u.Uses) == usage.Most {
		fmt.Fprintf(w, "\tand maybe others before: %d are kept\n", usage.Most)
	}
	for _, e := range endpoints {
		used := slices.ContainsFunc(u.Uses, func(use usage.Use) bool { return use.Endpoint == e.Name })
		if e.Removed == nil && !used && e.Identity().Owner() == u.Owner && (e.Role == endpoint.Owner || e.Role == endpoint.Reader) {
			fmt.Fprintf(w, "%s\t%s has not, and may\n", label, e.Name)
			label = ""
		}
	}
	since := "now on"
	if !u.Since.IsZero() {
		since = u.Since.UTC().Format(time.RFC3339) + " on"
	}
	fmt.Fprintf(w, "known\tfrom %s; of a crash the last minute is missing. A database that read a key long ago may still run with it\n", since)
}
