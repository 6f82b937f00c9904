package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider"
)

// mongodCmd has mongod's command line, which is not ours to parse.
type mongodCmd struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

const mongodHelp = `Usage: dbkeyring mongod [--print] [--mongod=PATH] [--library=PATH] [--mongod-version=8.0] [OPTIONS OF MONGOD]

Run a community mongod, 4.2 to 8.0, with the encryption of Percona Server for MongoDB.

OPTIONS OF MONGOD are those of its command line, --config FILE among them, with the
encryption options of Percona Server for MongoDB in either. Everything is checked; a
rotation of the master key that is asked for is done, and ends it; else mongod takes
the place of this process.

  --print                 Show the command, and run nothing.
  --mongod=PATH           The program (default: mongod in PATH).
  --library=PATH          dbkeyring_wiredtiger.so, where it is not found.
  --mongod-version=8.0    The release, where the program cannot be asked.

Exit codes before mongod runs: 0 the master key was rotated, 1 the database must not
be opened so, 2 wrong options, 4 no key server could be reached.
`

// ownFlags are those of dbkeyring.
type ownFlags struct {
	print                    bool
	program, library, server string // server is mongod's release
}

// What is written beside the key store at each start.
const (
	effectiveFile = "effective.conf" // for the encryptor
	strippedFile  = "mongod.conf"    // for mongod: the configuration file without what it does not know
)

// Run runs mongod in the place of this process.
func (c *mongodCmd) Run(p *process) error {
	if len(c.Args) == 0 || slices.Contains([]string{"--help", "-h"}, c.Args[0]) {
		_, err := fmt.Fprint(p.stdout, mongodHelp)
		return err
	}
	own, args, err := takeOwn(c.Args)
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	o, report, rest, err := mongod.ReadArgs(args, config.CurrentBase())
	for _, n := range report.Notes {
		fmt.Fprintf(p.stderr, "note: %s\n", n)
	}
	for _, w := range report.Warnings {
		fmt.Fprintf(p.stderr, "warning: %s\n", w)
	}
	if err != nil {
		return &failed{err: err, hint: "see: dbkeyring mongod --help", code: exitUsage}
	}
	defer o.Wipe()
	if !o.Enabled {
		return &failed{err: errors.New("security.enableEncryption (--enableEncryption) is not set: there is nothing for dbkeyring to do"), hint: "set it, or run mongod itself", code: exitUsage}
	}
	if info, err := os.Stat(o.DBPath); err != nil || !info.IsDir() {
		return &failed{err: fmt.Errorf("storage.dbPath (--dbpath): there is no folder %s", o.DBPath), hint: "make it, owned by the user of mongod", code: exitUsage}
	}
	if o.Rotate {
		return rotateMaster(p, o)
	}
	run, err := own.command(&o, rest)
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	if own.print {
		if report.File != "" {
			run.args = append(run.args, "--config", filepath.Join(o.DBPath, masterkey.FolderName, strippedFile))
		}
		_, err := fmt.Fprintln(p.stdout, run)
		return err
	}
	if err := openOnce(p, o); err != nil {
		return err
	}
	if err := writeFiles(&o, report.File, run); err != nil {
		return err
	}
	return fmt.Errorf("%s cannot be run: %w", run.program, syscall.Exec(run.program, append([]string{run.program}, run.args...), os.Environ()))
}

// takeOwn takes our flags off the front of the command line.
func takeOwn(args []string) (own ownFlags, rest []string, err error) {
	values := map[string]*string{"--mongod": &own.program, "--library": &own.library, "--mongod-version": &own.server}
	for i := 0; i < len(args); i++ {
		name, value, assigned := strings.Cut(args[i], "=")
		target := values[name]
		switch {
		case args[i] == "--print":
			own.print = true
		case target == nil:
			rest = append(rest, args[i])
		case !assigned && i+1 < len(args):
			i++
			*target = args[i]
		case !assigned || value == "":
			return own, nil, fmt.Errorf("%s: its value is missing", name)
		default:
			*target = value
		}
	}
	return own, rest, nil
}

// masterOptions are those of the key store.
func masterOptions(o mongod.Options, p masterkey.Provider, log *slog.Logger) (masterkey.Options, error) {
	isNew, err := masterkey.NewDatabase(o.DBPath)
	return masterkey.Options{Dir: filepath.Join(o.DBPath, masterkey.FolderName), Provider: p, KeyIdentifier: o.KeyIdentifier, Activate: o.Activate,
		New: isNew, Log: log}, err
}

// startLimit bounds what is asked of key servers before mongod runs.
const startLimit = 10 * time.Minute

// withProvider opens the keeper of the master key for f.
func withProvider(p *process, o mongod.Options, f func(context.Context, masterkey.Provider, *slog.Logger) error) error {
	ctx, cancel := context.WithTimeout(p.ctx, startLimit)
	defer cancel()
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	keeper, err := provider.Open(ctx, provider.Options{KeyFile: o.KeyFile, KMIP: o.KMIP, AWSKMS: o.AWSKMS}, log)
	if err != nil {
		return masterError(err)
	}
	defer keeper.Close()
	return masterError(f(ctx, keeper, log))
}

// masterError gives an error its exit code.
func masterError(err error) error {
	if err != nil && keyring.KindOf(err) == keyring.ErrUnreachable {
		return &failed{err: err, code: exitUnreachable}
	}
	return err
}

// rotateMaster does what rotateMasterKey asks for, and nothing else, as the document has it.
func rotateMaster(p *process, o mongod.Options) error {
	return withProvider(p, o, func(ctx context.Context, keeper masterkey.Provider, log *slog.Logger) error {
		options, err := masterOptions(o, keeper, log)
		if err != nil {
			return err
		}
		old, fresh, err := masterkey.Rotate(ctx, masterkey.Rotation{Options: options})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "the master key has been rotated, from %s to %s\n", old, fresh)
		_, err = fmt.Fprintf(p.stderr, "next: take rotateMasterKey out, and start again. Keep the old master key while backups need it\n")
		return err
	})
}

// openOnce opens the key store and closes it again: what is wrong shows here, with an
// exit code of its own, and a new database gets its master key.
func openOnce(p *process, o mongod.Options) error {
	return withProvider(p, o, func(ctx context.Context, keeper masterkey.Provider, log *slog.Logger) error {
		options, err := masterOptions(o, keeper, log)
		if err != nil {
			return err
		}
		store, err := masterkey.Open(ctx, options)
		if err != nil {
			return err
		}
		return store.Close()
	})
}

// writeFiles writes what the encryptor and mongod read. mongod shows its command line and
// its configuration to everybody, so secrets go through a file.
func writeFiles(o *mongod.Options, file string, run *mongodCommand) error {
	dir := filepath.Join(o.DBPath, masterkey.FolderName)
	if err := atomicfile.WriteFile(filepath.Join(dir, effectiveFile), o.Text(), 0o600); err != nil {
		return err
	}
	if file == "" {
		return nil
	}
	text, changed, err := mongod.ForMongod(file)
	if err != nil {
		return &failed{err: err, code: exitUsage}
	}
	if changed {
		file = filepath.Join(dir, strippedFile)
		if err := atomicfile.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	run.args = slices.Concat([]string{"--config", file}, run.args)
	return nil
}
