package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

type keyRevokeCmd struct {
	IDs         []string `arg:"" name:"id" help:"The objects' Unique IDs."`
	Reason      string   `required:"" enum:"unspecified,key-compromise,affiliation-changed,superseded,cessation-of-operation,privilege-withdrawn" placeholder:"REASON" help:"One of: ${enum}. key-compromise makes the objects Compromised, all others Deactivated."`
	Message     string   `placeholder:"TEXT" help:"A remark that is kept with the objects."`
	Yes         bool     `help:"Do not ask."`
	DryRun      bool     `name:"dry-run" help:"Only tell who uses the objects, and what would happen. Needs --data."`
	clientFlags `embed:""`
}

// reasonCode translates the words on the command line for the codes of KMIP 1.4, 9.1.3.2.19.
func reasonCode(word string) kmip.RevocationReasonCode {
	return map[string]kmip.RevocationReasonCode{
		"unspecified":            kmip.RevocationUnspecified,
		"key-compromise":         kmip.RevocationKeyCompromise,
		"affiliation-changed":    kmip.RevocationAffiliationChanged,
		"superseded":             kmip.RevocationSuperseded,
		"cessation-of-operation": kmip.RevocationCessationOfOperation,
		"privilege-withdrawn":    kmip.RevocationPrivilegeWithdrawn,
	}[word]
}

// occurrence is since when an object counts as compromised: KMIP 1.4, 4.20 wants
// a date, and 3.29 the Initial Date where nobody knows better. It is the server's
// own, so that no clock's difference makes it one of the future.
func occurrence(ctx context.Context, client *kmipclient.Client, id string) time.Time {
	answer, err := client.GetAttributes(ctx, id, kmip.AttrInitialDate)
	if err == nil {
		if v, ok := answer.Attributes.Get(kmip.AttrInitialDate); ok {
			return v.Time()
		}
	}
	return time.Now()
}

// Run revokes objects.
func (c *keyRevokeCmd) Run(p *process) error {
	code := reasonCode(c.Reason)
	done := kmip.StateDeactivated
	if code == kmip.RevocationKeyCompromise {
		done = kmip.StateCompromised
	}
	if c.DryRun {
		return dryRun(p, c.Data, c.IDs, fmt.Sprintf("Revoke would make it %s: it protects nothing new. Get still gives it out; "+
			"databases that are told to refuse inactive keys lose access to their data", done))
	}
	question := fmt.Sprintf("Revoke %d object(s)? Databases that are told to refuse inactive keys lose access to their data, and it cannot be undone.", len(c.IDs))
	if err := confirm(p, c.Yes, question); err != nil {
		return err
	}
	req := kmip.RevokeRequest{Reason: kmip.RevocationReason{Code: code, Message: c.Message}}
	return c.withClient(p, func(ctx context.Context, client *kmipclient.Client) error {
		return each(p, c.IDs, done.String(), func(id string) error {
			r := req
			r.UniqueIdentifier = id
			if code == kmip.RevocationKeyCompromise {
				r.CompromiseOccurrence = occurrence(ctx, client, id)
			}
			_, err := client.Revoke(ctx, &r)
			return err
		})
	})
}
