package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

type keyShowCmd struct {
	ID          string `arg:"" help:"The object's Unique ID."`
	clientFlags `embed:""`
	JSON        bool `name:"json" help:"Print JSON."`
}

// shown is an attribute for people.
type shown struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Run shows an object's attributes. It never asks for key bytes.
func (c *keyShowCmd) Run(p *process) error {
	return c.withClient(p, func(ctx context.Context, client *kmipclient.Client) error {
		answer, err := client.GetAttributes(ctx, c.ID)
		if err != nil {
			return err
		}
		all := make([]shown, 0, len(answer.Attributes))
		for _, a := range answer.Attributes {
			all = append(all, shown{a.Name, valueText(a)})
		}
		if c.JSON {
			return printJSON(p.stdout, all)
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, a := range all {
			fmt.Fprintf(table, "%s\t%s\n", printable(a.Name), a.Value)
		}
		return table.Flush()
	})
}

// valueText puts an attribute's value into words (KMIP 1.4, 3).
func valueText(a kmip.Attribute) string {
	v := a.Value
	switch a.Name {
	case kmip.AttrObjectType:
		return kmip.ObjectType(v.Int).String()
	case kmip.AttrState:
		return kmip.State(v.Int).String()
	case kmip.AttrCryptographicAlgorithm:
		return kmip.CryptographicAlgorithm(v.Int).String()
	case kmip.AttrCryptographicUsageMask:
		return usageText(v.Int)
	case kmip.AttrName:
		if n, err := kmip.ParseName(v); err == nil {
			return printable(n.Value)
		}
	case kmip.AttrAppSpecificInformation:
		if i, err := kmip.ParseApplicationSpecificInformation(v); err == nil {
			return printable(i.Namespace) + ": " + printable(i.Data)
		}
	case kmip.AttrLink:
		if l, err := kmip.ParseLink(v); err == nil {
			return l.Type.String() + " " + printable(l.ID)
		}
	case kmip.AttrRevocationReason:
		if r, err := kmip.ParseRevocationReason(v); err == nil {
			if r.Message == "" {
				return r.Code.String()
			}
			return r.Code.String() + ": " + printable(r.Message)
		}
	}
	return plainText(v)
}

// usageText names the bits of a usage mask (KMIP 1.4, 9.1.3.3.1).
func usageText(mask int64) string {
	words := []string{"Sign", "Verify", "Encrypt", "Decrypt", "Wrap Key", "Unwrap Key", "Export", "MAC Generate", "MAC Verify", "Derive Key"}
	var set []string
	for bit, word := range words {
		if mask&(1<<bit) != 0 {
			set = append(set, word)
		}
	}
	if rest := mask >> len(words) << len(words); rest != 0 {
		set = append(set, fmt.Sprintf("%#x", uint32(rest)))
	}
	if set == nil {
		return "none"
	}
	return strings.Join(set, ", ")
}

// plainText shows a value of which only the type is known.
func plainText(v ttlv.Value) string {
	switch v.Type {
	case ttlv.TextString:
		return printable(v.Text)
	case ttlv.DateTime:
		return time.Unix(v.Int, 0).UTC().Format(time.RFC3339)
	case ttlv.Boolean:
		return fmt.Sprint(v.Int != 0)
	case ttlv.ByteString, ttlv.BigInteger:
		return fmt.Sprintf("%d bytes", len(v.Bytes))
	case ttlv.Structure:
		parts := make([]string, len(v.Fields))
		for i, f := range v.Fields {
			parts[i] = plainText(f.Value)
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprint(v.Int)
}
