package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
)

type rootKeyCmd struct {
	Show   rootKeyShowCmd   `cmd:"" help:"Tell which root key a data directory has."`
	Rotate rootKeyRotateCmd `cmd:"" help:"Change the root key, and encrypt the whole store anew, while the server runs."`
}

type rootKeyShowCmd struct {
	JSON     bool `name:"json" help:"Print JSON."`
	dataFlag `embed:""`
}

// Run tells the root key, which does not need it.
func (c *rootKeyShowCmd) Run(p *process) error {
	client := admin.NewClient(c.Data)
	defer client.Close()
	k, err := client.RootKey(p.ctx)
	if errors.Is(err, admin.ErrNotRunning) {
		k, err = datadir.ReadRootKey(c.Data)
	}
	if errors.Is(err, datadir.ErrNone) {
		err = &failed{err: err, hint: "name the server's with --data", code: exitUnreachable}
	}
	if err != nil {
		return explainJournal(explainAccess(err, c.Data))
	}
	if c.JSON {
		return printJSON(p.stdout, k)
	}
	return printRootKey(p, k)
}

func printRootKey(p *process, k datadir.RootKey) error {
	since := "the directory was made"
	if !k.Since.IsZero() {
		since = k.Since.Format(time.RFC3339)
	}
	id := k.ID
	if id == "" || k.Kind == rootkey.KindAWSKMS {
		id = "none of its own"
	}
	_, err := fmt.Fprintf(p.stdout, "root key  %s\nkind      %s\nID        %s\nsince     %s\n", k.Settings, k.Kind, id, since)
	if err == nil && k.DataKeys > 1 {
		_, err = fmt.Fprintf(p.stdout, "rotation  not at its end: the store is under %d data keys. It goes on when the server starts\n", k.DataKeys)
	}
	return err
}
