package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// listBatch is how many objects' attributes are asked for in one message: the
// answers of as many fit into what small servers send.
const listBatch = 50

type keyListCmd struct {
	clientFlags `embed:""`
	JSON        bool `name:"json" help:"Print JSON, with the states."`
}

// listed is an object in the list.
type listed struct {
	ID    string   `json:"id"`
	Type  string   `json:"type"`
	Names []string `json:"names"`
	State string   `json:"state,omitempty"`
}

// Run lists the objects.
func (c *keyListCmd) Run(p *process) error {
	return c.withClient(p, func(ctx context.Context, client *kmipclient.Client) error {
		all, err := listObjects(ctx, client)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(p.stdout, all)
		}
		if len(all) == 0 {
			_, err := fmt.Fprintln(p.stdout, "no objects found")
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "Unique ID\tType\tIdentifier")
		for _, o := range all {
			names := make([]string, len(o.Names))
			for i, name := range o.Names {
				names[i] = printable(name)
			}
			if len(names) == 0 {
				names = []string{"-"}
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", printable(o.ID), o.Type, strings.Join(names, ", "))
		}
		return table.Flush()
	})
}

// listObjects asks for everything that the client may see. What is destroyed
// while it asks is left out.
func listObjects(ctx context.Context, client *kmipclient.Client) ([]listed, error) {
	ids, err := locateAll(ctx, client)
	if err != nil {
		return nil, err
	}
	all := make([]listed, 0, len(ids))
	for len(ids) > 0 {
		n := min(listBatch, len(ids))
		reqs := make([]kmip.Payload, n)
		for i, id := range ids[:n] {
			reqs[i] = &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrObjectType, kmip.AttrName, kmip.AttrState}}
		}
		results, err := client.Batch(ctx, reqs)
		if err != nil {
			return nil, err
		}
		for i, r := range results {
			if kmip.ReasonOf(r.Err) == kmip.ReasonItemNotFound {
				continue
			}
			if r.Err != nil {
				return nil, fmt.Errorf("%s: %w", printable(ids[i]), r.Err)
			}
			answer, ok := r.Payload.(*kmip.GetAttributesResponse)
			if !ok {
				return nil, errors.New("the server answered another question")
			}
			all = append(all, listedOf(ids[i], answer.Attributes))
		}
		ids = ids[n:]
	}
	return all, nil
}

// locateAll returns the identifiers of everything that the client may see. A
// server may give out a part at a time: then Located Items says that there is
// more (KMIP 1.4, 4.9). One that passes over Offset Items gives the same again.
func locateAll(ctx context.Context, client *kmipclient.Client) (ids []string, err error) {
	seen := make(map[string]bool)
	for {
		req := &kmip.LocateRequest{}
		if have := int32(len(ids)); have > 0 {
			req.OffsetItems = &have
		}
		found, err := client.Locate(ctx, req)
		if err != nil {
			return nil, err
		}
		before := len(ids)
		for _, id := range found.UniqueIdentifiers {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		total := found.LocatedItems
		switch {
		case total == nil || int(*total) <= len(ids):
			return ids, nil
		case len(ids) == before:
			return nil, fmt.Errorf("the server has %d objects and tells the Unique IDs of %d only", *total, before)
		}
	}
}

func listedOf(id string, a kmip.Attributes) listed {
	o := listed{ID: id, Type: "-", Names: a.Names()}
	if v, ok := a.Get(kmip.AttrObjectType); ok {
		o.Type = kmip.ObjectType(v.Int).String()
	}
	if s := a.State(); s != 0 {
		o.State = s.String()
	}
	if o.Names == nil {
		o.Names = []string{} // JSON: [] and not null
	}
	return o
}
