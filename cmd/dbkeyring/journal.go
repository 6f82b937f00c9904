package main

import (
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
)

type journalCmd struct {
	Forget journalForgetCmd `cmd:"" help:"Open the store without its damaged journal from now on. The newest changes are lost."`
}

type journalForgetCmd struct {
	dataFlag `embed:""`
}

// Run does nothing to a journal that is whole.
func (c *journalForgetCmd) Run(p *process) error {
	err := datadir.ForgetJournal(c.Data)
	if errors.Is(err, datadir.ErrNone) {
		err = &failed{err: err, hint: "name the server's with --data", code: exitUnreachable}
	}
	if err != nil {
		return explainAccess(err, c.Data)
	}
	_, err = fmt.Fprintln(p.stdout, "the journal is forgotten; its files stay, under names that end in .forgotten. Keys of the last seconds before the crash may be missing")
	return err
}

// explainJournal adds the last resort to the error of a damaged journal.
func explainJournal(err error) error {
	if !errors.Is(err, datadir.ErrJournal) {
		return err
	}
	return &failed{err: err, hint: "without those files and a backup: dbkeyring journal forget, which loses the changes of the last seconds before the crash"}
}
