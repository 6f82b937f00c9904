package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider"
)

// isMongodConf says whether a file is a configuration of mongod: by its name, or since it
// has sections of one. An option file of MySQL has its groups in brackets.
func isMongodConf(path string) bool {
	if filepath.Base(path) == mongod.FileName {
		return true
	}
	text := head(path)
	if len(text) == 0 || text[0] == '[' || text[0] == '{' {
		return false
	}
	for line := range bytes.Lines(text) {
		for _, section := range []string{"security:", "storage:", "security.", "storage."} {
			if bytes.HasPrefix(line, []byte(section)) {
				return true
			}
		}
	}
	return false
}

// mongodConf checks a mongod.conf: its keeper of the master key, the key store of the
// database, and whether the two fit.
func (k *checkup) mongodConf(path string) {
	o, report, err := mongod.Read(path, k.base)
	k.what("mongod: %s", report.File)
	k.warnings(report.Warnings)
	if err != nil {
		k.faults(err)
		return
	}
	defer o.Wipe()
	k.file(report.File)
	if !o.Enabled {
		k.find(finding{Level: levelWarn, File: report.File, Problem: "security.enableEncryption is not true: nothing is encrypted", Cure: "Set it to true, for a new database."})
		return
	}
	switch {
	case o.KeyFile != nil:
		k.file(o.KeyFile.Path)
	case o.KMIP != nil:
		k.file(o.KMIP.CertFile)
		if o.KMIP.CAFile != "" {
			k.file(o.KMIP.CAFile)
		}
		make := kmip.OpRegister
		if o.KMIP.ServerCreates {
			make = kmip.OpCreate
		}
		k.servers(backend.Options{Servers: o.KMIP.Servers, ClientCertFile: o.KMIP.CertFile, ClientKeyFile: o.KMIP.CertFile, ClientKeyPassword: o.KMIP.Password,
			ServerCAFile: o.KMIP.CAFile, Cure: o.KMIP.Cure}, []kmip.Operation{make, kmip.OpActivate, kmip.OpGet, kmip.OpGetAttributes, kmip.OpLocate})
	}
	if k.count(levelFail) > 0 {
		return
	}
	k.keyStore(o)
}

// keyStore looks at the key store, and asks for the state of its master key.
func (k *checkup) keyStore(o mongod.Options) {
	dir := filepath.Join(o.DBPath, masterkey.FolderName)
	i, err := masterkey.Inspect(dir)
	switch {
	case err != nil:
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return
	case i == nil || i.Master == nil:
		level, problem := levelNote, "there is no key store yet: it is made when the database is"
		if info, err := os.Stat(filepath.Join(o.DBPath, "WiredTiger.wt")); err == nil && info.Size() > 0 {
			level, problem = levelFail, "there is no key store, and the database has data: one that was not encrypted from its beginning cannot be"
		}
		k.find(finding{Level: level, File: filepath.Join(dir, masterkey.FileName), Problem: problem, Cure: "Have storage.dbPath be an empty folder, and let a replica set fill it."})
		return
	}
	k.file(i.Path)
	k.what("key store: %s, generation %d, master key %s, data keys of %d keyids", i.Path, i.Generation, i.Master, len(i.KeyIDs))
	if i.Pending != "" {
		k.find(finding{Level: levelWarn, File: i.Path, Problem: "a rotation of the master key was interrupted (" + i.Pending + ")", Cure: "Start once with rotateMasterKey, which finishes it."})
	}
	if i.Master.Provider == masterkey.KeyFile && o.KeyFile == nil || i.Master.Provider != masterkey.KeyFile && o.KeyFile != nil {
		return // only the key's bytes can tell
	}
	ctx, cancel := context.WithTimeout(k.p.ctx, 4*k.cmd.Timeout)
	defer cancel()
	keeper, err := provider.Open(ctx, provider.Options{KeyFile: o.KeyFile, KMIP: o.KMIP, AWSKMS: o.AWSKMS}, slog.New(slog.DiscardHandler))
	if err != nil {
		k.find(finding{Level: levelFail, Problem: err.Error()})
		return
	}
	defer keeper.Close()
	state, err := keeper.State(ctx, *i.Master)
	switch {
	case err != nil:
		k.find(finding{Level: levelFail, Problem: "the master key " + i.Master.String() + ": " + err.Error()})
	case state != masterkey.Active && o.Activate:
		k.find(finding{Level: levelFail, Problem: fmt.Sprintf("the master key %s is not Active but %s: the database does not start", i.Master, state), Cure: "Start once with rotateMasterKey, which makes a new one."})
	case state != masterkey.Active:
		k.find(finding{Level: levelWarn, Problem: fmt.Sprintf("the master key %s is %s", i.Master, state), Cure: "Rotate it."})
	}
}

// moveMaster has the master key of a database change its keeper: both paths are its
// mongod.conf, before and after.
func (c *migrateCmd) moveMaster(p *process) error {
	read := func(path string) (o mongod.Options, err error) {
		o, report, err := mongod.Read(path, "")
		for _, w := range report.Warnings {
			fmt.Fprintf(p.stderr, "warning: %s\n", w)
		}
		if err == nil && !o.Enabled {
			err = fmt.Errorf("%s: security.enableEncryption is not true", path)
		}
		return o, err
	}
	from, errFrom := read(c.Source)
	to, errTo := read(c.Destination)
	if err := errors.Join(errFrom, errTo); err != nil {
		return &failed{err: err, code: exitUsage}
	}
	defer from.Wipe()
	defer to.Wipe()
	if from.DBPath != to.DBPath {
		return &failed{err: fmt.Errorf("the two are of different databases: storage.dbPath is %s, and %s", from.DBPath, to.DBPath), code: exitUsage}
	}
	i, err := masterkey.Inspect(filepath.Join(from.DBPath, masterkey.FolderName))
	if err != nil || i == nil || i.Master == nil {
		return errors.Join(err, fmt.Errorf("there is no key store in %s", from.DBPath))
	}
	if c.DryRun || c.VerifyOnly {
		_, err := fmt.Fprintf(p.stdout, "the master key is %s; %d data keys would be wrapped under another one\n", i.Master, len(i.KeyIDs))
		return err
	}
	if err := confirm(p, c.Yes, fmt.Sprintf("Have the master key of %s, %s, replaced by one of %s?", from.DBPath, i.Master, c.Destination)); err != nil {
		return err
	}
	return withProvider(p, to, func(ctx context.Context, keeper masterkey.Provider, log *slog.Logger) error {
		old, err := provider.Open(ctx, provider.Options{KeyFile: from.KeyFile, KMIP: from.KMIP, AWSKMS: from.AWSKMS}, log)
		if err != nil {
			return err
		}
		defer old.Close()
		options, err := masterOptions(to, keeper, log)
		if err != nil {
			return err
		}
		was, is, err := masterkey.Rotate(ctx, masterkey.Rotation{Options: options, From: old})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "the master key has moved, from %s to %s\n", was, is)
		_, err = fmt.Fprintf(p.stderr, "next: start the database with %s. Keep the old master key while backups need it\n", c.Destination)
		return err
	})
}

// bothMongod says whether the paths of a migration are a database's, and not a keyring's.
func (c *migrateCmd) bothMongod() (bool, error) {
	both := []string{c.Source, c.Destination}
	isOne := func(path string) bool { return isMongodConf(path) }
	switch {
	case !slices.ContainsFunc(both, isOne):
		return false, nil
	case isOne(c.Source) && isOne(c.Destination):
		return true, nil
	}
	return false, &failed{err: errors.New("one of the two is a mongod.conf, and the other is not"), hint: "name the database's mongod.conf of before and of after", code: exitUsage}
}
