// Command dbkeyring is the key server and its administration.
//
// Data goes to standard output, everything else to standard error. Exit codes:
//
//	0  done
//	1  failed
//	2  wrong usage: nothing was attempted
//	3  there is no such endpoint or key
//	4  no key server, or no data directory, could be reached
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = ""

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitUnreachable = 4
)

// defaultDataDir is where the key server's data lies unless --data says otherwise.
const defaultDataDir = "/var/lib/dbkeyring"

// cli is the grammar. Each command is in a file of its name.
type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the key server."`
	Endpoint endpointCmd `cmd:"" help:"Manage the clients of a key server on this machine."`
	CA       caCmd       `cmd:"" name:"ca" help:"Manage the CAs of others that clients may have their certificates of."`
	RootKey  rootKeyCmd  `cmd:"" help:"Show and rotate the root key, which encrypts the key server's store."`
	Audit    auditCmd    `cmd:"" help:"Verify and search the audit log of the key server."`
	Key      keyCmd      `cmd:"" help:"Look at the keys of any KMIP server, and change their state."`
	Migrate  migrateCmd  `cmd:"" help:"Copy all keys from one keyring to another."`
	Check    checkCmd    `cmd:"" help:"Check a database's keyring configuration: files, key servers, and whether MySQL would take it."`
	AWS      awsCmd      `cmd:"" name:"aws" help:"Set up and rotate keyrings whose keys AWS KMS encrypts."`
	Mongod   mongodCmd   `cmd:"" passthrough:"" help:"Run a community mongod with the encryption of Percona Server for MongoDB."`
	Backup   backupCmd   `cmd:"" help:"Take an encrypted backup of a key server, while it runs; or check one."`
	Restore  restoreCmd  `cmd:"" help:"Make a data directory out of a backup."`
	Journal  journalCmd  `cmd:"" help:"Go on without the journal of the key server's store, if it is damaged."`
	Status   statusCmd   `cmd:"" help:"Say whether the key server runs, and how long its certificates last."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// dataFlag is what all commands on a data directory share.
type dataFlag struct {
	Data string `placeholder:"DIR" default:"${dataDir}" env:"DBKEYRING_DATA" help:"The key server's data directory (default ${dataDir})."`
}

// process is what a command has of the world. Tests bring their own.
type process struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

// failed is an error with a cure, and an exit code other than 1.
type failed struct {
	err  error
	hint string
	code int // 0 means exitFailed
}

func (f *failed) Error() string { return f.err.Error() }
func (f *failed) Unwrap() error { return f.err }

func main() {
	p := &process{ctx: context.Background(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(run(p, os.Args[1:]))
}

// run carries out a command line and returns the exit code.
func run(p *process, args []string) int {
	exit := -1 // what --help asks for
	var grammar cli
	parser, err := kong.New(&grammar,
		kong.Name("dbkeyring"),
		kong.Description("Keys for encrypted databases: a KMIP key server, and what keeps it in order.\n\n"+
			"Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such endpoint or key, 4 no server or data directory reached."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.Vars{"dataDir": defaultDataDir},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Bind(p),
	)
	if err != nil {
		return report(p, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		return report(p, &failed{err: err, hint: "see: dbkeyring " + strings.Join(append(commandOf(err), "--help"), " "), code: exitUsage})
	}
	if err := command.Run(); err != nil {
		return report(p, err)
	}
	return 0
}

// commandOf returns the words of the command that a parse error is about.
func commandOf(err error) []string {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return nil
	}
	if node := parse.Context.Selected(); node != nil {
		return strings.Fields(strings.TrimPrefix(node.FullPath(), "dbkeyring"))
	}
	return nil
}

// report tells an error and returns its exit code.
func report(p *process, err error) int {
	fmt.Fprintf(p.stderr, "error: %v\n", err)
	code := exitFailed
	var f *failed
	if errors.As(err, &f) {
		if f.hint != "" {
			fmt.Fprintf(p.stderr, "hint: %s\n", f.hint)
		}
		if f.code != 0 {
			code = f.code
		}
	}
	return code
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(p *process) error {
	_, err := fmt.Fprintf(p.stdout, "dbkeyring %s\n", versionText())
	return err
}

// versionText is the release, or what the Go tools know of the build.
func versionText() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
