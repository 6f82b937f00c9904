package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
)

type checkCmd struct {
	Path      string        `arg:"" help:"A component's configuration file, a keyring_okv_conf_dir, a my.cnf, a manifest (mysqld.my), or a mongod.conf."`
	PluginDir string        `placeholder:"DIR" help:"The server's plugin_dir, where my.cnf does not say it."`
	Datadir   string        `placeholder:"DIR" help:"The server's data directory, where my.cnf does not say it."`
	Manifest  string        `placeholder:"FILE" help:"With a my.cnf: the manifest beside mysqld (default: mysqld.my in basedir's bin and sbin)."`
	Timeout   time.Duration `placeholder:"DURATION" default:"5s" help:"Time for each address of a key server, and for each request to AWS KMS (default 5s)."`
	JSON      bool          `name:"json" help:"Print JSON."`
}

// The levels of findings.
const (
	levelFail = "fail" // the keyring would not work, or not be the one that is meant
	levelWarn = "warn" // it works, and deserves attention
	levelNote = "note" // what could not be looked at
)

// finding is one thing that check found, with its cure.
type finding struct {
	Level   string `json:"level"`
	Option  string `json:"option,omitempty"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Problem string `json:"problem"`
	Cure    string `json:"cure,omitempty"`
}

func (f finding) String() string {
	problem := strings.TrimSuffix(f.Problem, ".") // of an error that ends in its own cure
	if f.File != "" || f.Option != "" {
		return (&config.Fault{Option: f.Option, File: f.File, Line: f.Line, Problem: problem, Cure: f.Cure}).Error()
	}
	s := problem + "."
	if f.Cure != "" {
		s += " " + f.Cure
	}
	return s
}

// checkedFile is a file that a keyring needs.
type checkedFile struct {
	Path    string     `json:"path"`
	Mode    string     `json:"mode"`
	Owner   string     `json:"owner"`
	Subject string     `json:"subject,omitempty"` // of a certificate
	Until   *time.Time `json:"until,omitempty"`
}

// checkup collects what there is to say about a path.
type checkup struct {
	Path     string          `json:"path"`
	What     []string        `json:"what"` // what was read, such as "keyring_okv: /etc/mysql/okv"
	Servers  []checkedServer `json:"servers"`
	Keys     []checkedKey    `json:"kms_keys,omitempty"`
	Files    []checkedFile   `json:"files"`
	Findings []finding       `json:"findings"`

	p    *process
	cmd  *checkCmd
	base config.Base
}

// Run checks a configuration; a keyring that would not work is exit code 1.
func (c *checkCmd) Run(p *process) error {
	base := config.CurrentBase()
	for _, path := range []*string{&c.Path, &c.PluginDir, &c.Datadir, &c.Manifest} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(string(base), *path)
		}
	}
	if _, err := os.Stat(c.Path); err != nil {
		return &failed{err: fmt.Errorf("%s: %s", c.Path, config.OSReason(err)), code: exitUsage}
	}
	k := &checkup{Path: c.Path, p: p, cmd: c, base: base,
		What: []string{}, Servers: []checkedServer{}, Files: []checkedFile{}, Findings: []finding{}}
	k.path(c.Path)
	if c.JSON {
		if err := printJSON(p.stdout, k); err != nil {
			return err
		}
	} else if err := k.print(); err != nil {
		return err
	}
	if n := k.count(levelFail); n > 0 {
		return fmt.Errorf("%s: the keyring would not work as it should: %d of the findings", c.Path, n)
	}
	return nil
}

func (k *checkup) count(level string) int {
	n := 0
	for _, f := range k.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

func (k *checkup) what(format string, args ...any) {
	k.What = append(k.What, fmt.Sprintf(format, args...))
}

func (k *checkup) find(f finding) { k.Findings = append(k.Findings, f) }

// print writes the tables.
func (k *checkup) print() error {
	w := tabwriter.NewWriter(k.p.stdout, 0, 0, 2, ' ', 0)
	for _, what := range k.What {
		fmt.Fprintln(w, printable(what))
	}
	if len(k.Servers) > 0 {
		fmt.Fprintln(w, "\nServer\tAddress\tReachable\tTLS\tCertificate\tUntil\tKMIP\tOperations")
		for _, s := range k.Servers {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Server, orDash(s.Address), yesNo(s.Reachable), orDash(s.TLS),
				orDash(s.certificate()), date(s.Until), orDash(strings.Join(s.Versions, " ")), orDash(s.operations()))
		}
	}
	if len(k.Keys) > 0 {
		fmt.Fprintln(w, "\nKMS key\tRegion\tState\tPermissions")
		for _, key := range k.Keys {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(cmp.Or(key.ARN, key.Key)), orDash(key.Region), orDash(key.State), orDash(key.permissions()))
		}
	}
	if len(k.Files) > 0 {
		fmt.Fprintln(w, "\nFile\tMode\tOwner\tCertificate\tUntil")
		for _, f := range k.Files {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable(f.Path), f.Mode, f.Owner, orDash(f.Subject), date(f.Until))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(k.p.stdout)
	if len(k.Findings) == 0 {
		_, err := fmt.Fprintln(k.p.stdout, "nothing is wrong")
		return err
	}
	for _, level := range []string{levelFail, levelWarn, levelNote} {
		for _, f := range k.Findings {
			if f.Level == level {
				if _, err := fmt.Fprintf(k.p.stdout, "%s  %s\n", level, f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s)
}

func date(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}
