package main

import (
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

type endpointLimitCmd struct {
	Name        string `arg:"" help:"The client's name."`
	Objects     *int   `placeholder:"N" help:"It makes no more objects when it, or its group, has N that are not destroyed."`
	Connections *int   `placeholder:"N" help:"It has N connections open at most; one more is closed."`
	Rate        *int   `placeholder:"N" help:"It asks for N operations a second in the long run; more wait, up to a second, then they are refused."`
	None        bool   `help:"Take all limits away that are not given."`
	dataFlag    `embed:""`
}

// Help is the long help.
func (endpointLimitCmd) Help() string {
	return "A limit that is not given stays; 0 is none. They hold at once."
}

// Run changes the limits.
func (c *endpointLimitCmd) Run(p *process) error {
	if err := endpoint.CheckName(c.Name); err != nil {
		return explain(err)
	}
	if c.Objects == nil && c.Connections == nil && c.Rate == nil && !c.None {
		return &failed{err: errors.New("no limit: give --objects, --connections, --rate or --none"), code: exitUsage}
	}
	for _, o := range []struct {
		name string
		n    *int
	}{{"--objects", c.Objects}, {"--connections", c.Connections}, {"--rate", c.Rate}} {
		if o.n != nil && *o.n < 0 {
			return &failed{err: fmt.Errorf("%s %d: %w", o.name, *o.n, endpoint.ErrLimits), code: exitUsage}
		}
	}
	return withService(p, c.Data, func(s admin.Service) error {
		all, err := s.List(p.ctx)
		if err != nil {
			return err
		}
		r := admin.LimitRequest{Name: c.Name}
		for _, e := range all {
			if e.Name == c.Name && !c.None {
				r.Limits = e.Limits
			}
		}
		for _, o := range []struct {
			from, to *int
		}{{c.Objects, &r.Limits.Objects}, {c.Connections, &r.Limits.Connections}, {c.Rate, &r.Limits.Rate}} {
			if o.from != nil {
				*o.to = *o.from
			}
		}
		e, err := s.Limit(p.ctx, r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "endpoint %s: limits: %s\n", e.Name, limitsText(e.Limits))
		return err
	})
}

func limitsText(l endpoint.Limits) string {
	if l == (endpoint.Limits{}) {
		return "none"
	}
	return l.String()
}
