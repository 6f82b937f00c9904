package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

type auditShowCmd struct {
	Files    []string  `arg:"" name:"file" optional:"" help:"Files of the log (default all in the data directory, the oldest first)."`
	Endpoint string    `placeholder:"NAME" help:"Only what this client did."`
	Key      string    `placeholder:"ID" help:"Only what was done with the object of this Unique ID, or of this name, and what was made from it."`
	Op       string    `placeholder:"OPERATION" help:"Only this operation, such as Get or \"Endpoint Add\"."`
	Result   string    `placeholder:"RESULT" help:"Only this result: success, failure, denied or undone."`
	Since    time.Time `placeholder:"TIME" help:"Only from then on, such as 2026-01-31T12:00:00Z."`
	dataFlag `embed:""`
}

// Run prints lines of the audit log as they stand there.
func (c *auditShowCmd) Run(p *process) error {
	files, err := auditFiles(c.Files, c.Data)
	if err != nil {
		return err
	}
	if len(c.Files) == 0 { // audit.log itself is the newest
		slices.Reverse(files)
	}
	out := bufio.NewWriter(p.stdout)
	for _, file := range files {
		if err := readAudit(file, func(r io.Reader) error { return c.print(out, r) }); err != nil {
			return errors.Join(out.Flush(), err)
		}
	}
	return out.Flush()
}

func (c *auditShowCmd) print(out io.Writer, in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 && c.fits(line) {
			if _, err := fmt.Fprintln(out, strings.TrimSuffix(string(line), "\n")); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *auditShowCmd) fits(line []byte) bool {
	var e struct {
		Time                      time.Time
		Endpoint, Op, UID, Result string
		Names, From               []string
	}
	if json.Unmarshal(line, &e) != nil {
		return false
	}
	return (c.Endpoint == "" || e.Endpoint == c.Endpoint) && (c.Op == "" || strings.EqualFold(e.Op, c.Op)) &&
		(c.Result == "" || e.Result == c.Result) && !e.Time.Before(c.Since) &&
		(c.Key == "" || e.UID == c.Key || slices.Contains(e.Names, c.Key) || slices.Contains(e.From, c.Key))
}
