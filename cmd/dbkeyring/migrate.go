package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/keyring"
)

type migrateCmd struct {
	Source      string `arg:"" help:"Where the keys are: component_keyring_kmip.cnf, component_keyring_kms.cnf, component_keyring_file.cnf or its data file, a keyring_okv folder, a my.cnf with keyring_aws; or a database's mongod.conf as it is. It is never changed."`
	Destination string `arg:"" help:"Where they shall be: likewise; a data file that does not exist yet needs a name that ends in .json; a mongod.conf as it shall be."`
	DryRun      bool   `xor:"mode" help:"Only show what would be copied."`
	VerifyOnly  bool   `xor:"mode" help:"Only compare: every key of SOURCE must be in DESTINATION."`
	Yes         bool   `help:"Do not ask."`
	JSON        bool   `name:"json" help:"Print JSON, a line for each key included."`
}

// Run copies all keys. Nothing is written before all that could be known to go
// wrong has been looked at; what went wrong in the middle is mended by running it
// again, since what is there already is passed over.
func (c *migrateCmd) Run(p *process) (err error) {
	ctx, stop := signal.NotifyContext(p.ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // from now on a second signal ends the process
	if both, err := c.bothMongod(); both || err != nil {
		if err != nil {
			return err
		}
		return c.moveMaster(p)
	}
	m, err := c.prepare(p)
	if err != nil {
		return err
	}
	defer m.wipe()
	defer func() {
		if c.JSON && m.keys != nil {
			err = errors.Join(err, printJSON(p.stdout, m.summary(c.mode(), err == nil)))
		}
	}()
	if err := m.read(ctx, c.VerifyOnly); err != nil {
		return migrateError(err)
	}
	switch {
	case c.VerifyOnly:
		return m.compared(c.JSON)
	case c.DryRun && !c.JSON:
		if err := m.print(); err != nil {
			return err
		}
	}
	if err := m.refusal(); err != nil {
		return err
	}
	n := m.count(toCopy)
	if n > 0 {
		if err := m.mayEncrypt(ctx); err != nil {
			return migrateError(err)
		}
	}
	if c.DryRun {
		return nil
	}
	if n > 0 {
		m.warn()
		if err := confirm(p, c.Yes, fmt.Sprintf("Copy %d keys from %s to %s?", n, &m.from, &m.to)); err != nil {
			return err
		}
		if err := m.copy(ctx); err != nil {
			return migrateError(err)
		}
	}
	if err := m.verify(ctx); err != nil {
		return migrateError(err)
	}
	if !c.JSON {
		fmt.Fprintf(p.stdout, "%d keys copied, %d were there already; all %d read again and compared\n", m.count(copied), m.count(there), len(m.keys))
	}
	m.adviseNext()
	return nil
}

func (c *migrateCmd) mode() string {
	switch {
	case c.DryRun:
		return "dry-run"
	case c.VerifyOnly:
		return "verify-only"
	}
	return "migrate"
}

// prepare reads both configurations, and tells the faults of both at once.
func (c *migrateCmd) prepare(p *process) (*migration, error) {
	m := &migration{p: p, log: slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	var errs []error
	for _, s := range []struct {
		name string
		path string
		side *side
	}{{"SOURCE", c.Source, &m.from}, {"DESTINATION", c.Destination, &m.to}} {
		conf, err := readConf(p, s.path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
			continue
		}
		s.side.conf = conf
	}
	if m.from.conf != nil && m.from.conf.DataFile() != "" && notThere(m.from.conf.DataFile()) {
		errs = append(errs, fmt.Errorf("SOURCE: there is no keyring file %s", m.from.conf.DataFile()))
	}
	if errs == nil && sameKeyring(m.from.conf, m.to.conf) {
		errs = append(errs, fmt.Errorf("SOURCE and DESTINATION are the same keyring: %s", &m.to))
	}
	if errs == nil && m.to.conf.ReadOnly() && c.mode() == "migrate" {
		errs = append(errs, fmt.Errorf("DESTINATION: read_only (%s): it is true: no key can be stored. Set it to false", m.to.conf.Path))
	}
	if errs == nil && m.to.conf.AWS != nil && m.to.conf.AWS.KeyID == "" && !c.VerifyOnly {
		errs = append(errs, fmt.Errorf("DESTINATION: %s (%s): it is not set: no key can be stored. Set it to the ARN of a KMS key", keyringaws.VariableKey, m.to.conf.Path))
	}
	if errs != nil {
		m.wipe()
		return nil, &failed{err: errors.Join(errs...), code: exitUsage}
	}
	return m, nil
}

// readConf reads any configuration and tells its warnings.
func readConf(p *process, path string) (*anyconf.Conf, error) {
	conf, err := anyconf.Read(path, config.CurrentBase())
	for _, w := range conf.Warnings {
		fmt.Fprintf(p.stderr, "warning: %s\n", w)
	}
	return conf, err
}

// print shows what there is to do, in a table.
func (m *migration) print() error {
	table := tabwriter.NewWriter(m.p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "Key\tOwner\tType\tBytes\tWhat")
	for _, k := range m.keys {
		owner := "-"
		if k.id.Owner != "" {
			owner = printable(k.id.Owner)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", printable(k.id.Name), owner, printable(k.typ()), k.key.Data.Len(), k.result)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(m.p.stdout, "%d keys to copy from %s to %s, %d there already\n", m.count(toCopy), &m.from, &m.to, m.count(there))
	return err
}

// refusal is the error about all keys that cannot be copied, nil without any.
func (m *migration) refusal() error {
	if m.count(different)+m.count(refused) == 0 {
		return nil
	}
	var hints []string
	if m.count(different) > 0 {
		hints = append(hints, "a key that is different is never overwritten: find out which of the two is needed, and remove the other one, or choose an empty destination")
	}
	if m.count(refused) > 0 {
		hints = append(hints, "choose a destination that can hold the other keys, or mend the source")
	}
	return m.failure("nothing was copied, because of %d of %d keys", hints)
}

// compared is the outcome of --verify-only.
func (m *migration) compared(quiet bool) error {
	if m.count(there) == len(m.keys) {
		if !quiet {
			fmt.Fprintf(m.p.stdout, "all %d keys of %s are in %s\n", len(m.keys), &m.from, &m.to)
		}
		return nil
	}
	return m.failure("the keyrings differ in %d of %d keys", nil)
}

// failure lists every key that has a problem.
func (m *migration) failure(format string, hints []string) error {
	var lines []string
	for _, k := range m.keys {
		if k.problem != "" {
			lines = append(lines, fmt.Sprintf("\n  %s: %s", printableID(k.id), k.problem))
		}
	}
	return &failed{err: fmt.Errorf(format+":%s", len(lines), len(m.keys), strings.Join(lines, "")), hint: strings.Join(hints, "; ")}
}

// printableID is an ID that does nothing to a terminal.
func printableID(id keyring.ID) string {
	if id.Owner == "" {
		return printable(id.Name)
	}
	return printable(id.Name) + " of " + printable(id.Owner)
}

// migrateError gives an error its exit code.
func migrateError(err error) error {
	var f *failed
	if !errors.As(err, &f) && errors.Is(err, keyring.ErrUnreachable) {
		return &failed{err: err, code: exitUnreachable}
	}
	return err
}

// summary is what --json prints. No field holds key bytes.
type summary struct {
	Source       jsonSide  `json:"source"`
	Destination  jsonSide  `json:"destination"`
	Mode         string    `json:"mode"`
	OK           bool      `json:"ok"`
	ToCopy       int       `json:"to_copy"`
	Copied       int       `json:"copied"`
	ThereAlready int       `json:"there_already"`
	Verified     int       `json:"verified"`
	Failed       int       `json:"failed"`
	Keys         []jsonKey `json:"keys"`
}

type jsonSide struct {
	Kind  string `json:"kind"`
	Path  string `json:"path"`
	Where string `json:"where"`
}

type jsonKey struct {
	Name    string `json:"name"`
	Owner   string `json:"owner,omitempty"`
	Type    string `json:"type,omitempty"`
	Bytes   int    `json:"bytes"`
	Result  string `json:"result"`
	Problem string `json:"problem,omitempty"`
}

func (m *migration) summary(mode string, ok bool) summary {
	s := summary{
		Source:      jsonSide{string(m.from.conf.Kind), m.from.conf.Path, m.from.conf.Where},
		Destination: jsonSide{string(m.to.conf.Kind), m.to.conf.Path, m.to.conf.Where},
		Mode:        mode, OK: ok, Keys: []jsonKey{},
		ToCopy: m.count(toCopy), Copied: m.count(copied), ThereAlready: m.count(there),
	}
	for _, k := range m.keys {
		s.Keys = append(s.Keys, jsonKey{k.id.Name, k.id.Owner, k.typ(), k.key.Data.Len(), string(k.result), k.problem})
		if k.verified {
			s.Verified++
		}
		if k.problem != "" {
			s.Failed++
		}
	}
	return s
}
