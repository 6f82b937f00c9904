package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
)

type auditVerifyCmd struct {
	Files    []string `arg:"" name:"file" optional:"" help:"Files of the log, rotated ones (.gz too) and the present one (default all in the data directory)."`
	Offline  bool     `help:"Do not ask the server for the places that it has kept: a log that was made anew as a whole, or cut off at its end, then passes."`
	dataFlag `embed:""`
}

// Help is the long help.
func (auditVerifyCmd) Help() string {
	return "Exit codes: 0 the log is whole, 1 it is not, 2 wrong usage."
}

// Run verifies the audit log.
func (c *auditVerifyCmd) Run(p *process) error {
	files, err := auditFiles(c.Files, c.Data)
	if err != nil {
		return err
	}
	var kept []audit.Head
	if !c.Offline {
		if err := withService(p, c.Data, func(s admin.Service) error {
			kept, err = s.AuditHeads(p.ctx)
			return err
		}); err != nil {
			return fmt.Errorf("ask for the places that the server has kept (--offline leaves that out): %w", err)
		}
	}
	reports := make([]*audit.Report, len(files))
	for i, file := range files {
		if err := readAudit(file, func(r io.Reader) error {
			reports[i], err = audit.Verify(r, kept)
			return err
		}); err != nil {
			return err
		}
	}
	faults := 0
	fault := func(format string, args ...any) {
		faults++
		fmt.Fprintf(p.stdout, "FAULT "+format+"\n", args...)
	}
	var last *audit.Report
	lastFile := ""
	for _, i := range audit.SortReports(reports) {
		r, file := reports[i], files[i]
		for _, f := range r.Faults {
			fault("%s: %s", file, f)
		}
		if r.Lines > 0 && last != nil && !last.Follows(r) {
			fault("%s: it does not follow on the end of %s (line number %d, then %d)", file, lastFile, last.End.Seq, r.Begin.Seq)
		}
		if r.Lines > 0 {
			last, lastFile = r, file
		}
		fmt.Fprintln(p.stdout, auditSummary(file, r))
	}
	faults += missingHeads(p, reports, kept)
	if last == nil {
		faults++
		fmt.Fprintln(p.stdout, "FAULT none of the files has a chained line")
	}
	if faults > 0 {
		return errors.New("the audit log is not as the server has written it")
	}
	switch {
	case c.Offline:
		fmt.Fprintln(p.stdout, "the chain is whole; its end was not compared with what the server has kept")
	default:
		fmt.Fprintf(p.stdout, "the chain is whole, and has the %d places that the server has kept\n", inside(reports, kept))
	}
	return nil
}

func auditSummary(file string, r *audit.Report) string {
	if r.Lines == 0 {
		return fmt.Sprintf("%s: no chained line, %d others", file, r.Unchained)
	}
	text := fmt.Sprintf("%s: lines %d to %d, from %s to %s", file, r.Begin.Seq, r.End.Seq, r.First.Format(time.RFC3339), r.Last.Format(time.RFC3339))
	if r.Unchained > 0 {
		text += fmt.Sprintf("; %d lines before the chain begins", r.Unchained)
	}
	if len(r.CutOff) > 0 {
		text += fmt.Sprintf("; cut off by a crash or a full disk, as the log tells: line %d", r.CutOff[0])
		if more := len(r.CutOff) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return text
}

// missingHeads tells of the places that ought to be in the files and are not. Those of before the
// first file are in files that were not given.
func missingHeads(p *process, reports []*audit.Report, kept []audit.Head) (missing int) {
	for _, h := range kept {
		if !ours(reports, h) || has(reports, h) {
			continue
		}
		if missing++; missing == 1 {
			fmt.Fprintf(p.stdout, "FAULT the server has written line %d, and it is not there: the log was cut off, or made anew\n", h.Seq)
		}
	}
	return missing
}

func has(reports []*audit.Report, h audit.Head) bool {
	for _, r := range reports {
		if r.Has(h) {
			return true
		}
	}
	return false
}

// ours says whether a place is after the beginning of the files.
func ours(reports []*audit.Report, h audit.Head) bool {
	for _, r := range reports {
		if r.Lines > 0 && h.Seq >= r.Begin.Seq {
			return true
		}
	}
	return false
}

func inside(reports []*audit.Report, kept []audit.Head) (n int) {
	for _, h := range kept {
		if has(reports, h) {
			n++
		}
	}
	return n
}
