package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

type restoreCmd struct {
	File           string `arg:"" help:"A backup that 'dbkeyring backup' made."`
	Verify         bool   `help:"Only check the backup, and list what is in it."`
	backupKeyFlags `embed:""`
	JSON           bool `name:"json" help:"With --verify: print JSON."`
	dataFlag       `embed:""`
}

// Help is the long help.
func (restoreCmd) Help() string {
	return "DIR has to be empty or missing. The backup is read to its end before anything is put there. " +
		"Run it as the user that the server runs as. The restored server gets a root key of its own."
}

// Run makes a data directory out of a backup.
func (c *restoreCmd) Run(p *process) error {
	if c.Verify {
		return verifyBackup(p, c.File, c.backupKeyFlags, c.JSON)
	}
	b, err := openBackup(p, c.File, c.backupKeyFlags)
	if err != nil {
		return err
	}
	defer b.close()
	s, err := b.inspect()
	if err != nil {
		return err
	}
	r, err := b.reader()
	if err != nil {
		return err
	}
	if err := datadir.Restore(p.ctx, c.Data, r, slog.New(slog.NewTextHandler(p.stderr, nil)), loads); err != nil {
		return explainAccess(err, c.Data)
	}
	_, err = fmt.Fprintf(p.stdout, "restored %s from the backup of %s: %d objects, endpoints %s\n"+
		"It has a new root key, in a file beside the store; 'dbkeyring root-key rotate' makes it one of another kind.\n"+
		"Keys that were made after that moment are not in it; endpoints and certificates that were removed after it\n"+
		"have access again: remove them again (dbkeyring endpoint list). Start it with: dbkeyring serve --data %s\n",
		c.Data, s.Made.Format(time.RFC3339), s.Objects(), endpointNames(s), c.Data)
	return err
}

// loads says whether a server would start on the store.
func loads(s store.Store) error {
	endpoints, err := endpoint.Open(s)
	if err != nil {
		return err
	}
	_, err = keyserver.New(keyserver.Options{Store: s, Endpoints: endpoints})
	return err
}
