// Package config holds what the configuration dialects below it share: faults
// that are collected and told together, a JSON reader that knows lines, and the
// rule for relative paths.
//
// A dialect's package reads the documented file and ends in a back end's plain
// options.
package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	Option  string // the documented name; empty: the file as a whole
	File    string // the configuration file; empty: the option stands in none, such as a server's variable
	Line    int    // in File; 0: none, as of a missing option
	Problem string // what is wrong and why, without a full stop
	Cure    string // what to do, a sentence
	Err     error  // the cause for errors.Is; may be nil
}

// Error gives "option (file, line n): problem. Cure."
func (f *Fault) Error() string {
	where := f.File
	if f.Line > 0 {
		where = fmt.Sprintf("%s, line %d", f.File, f.Line)
	}
	switch {
	case f.Option != "" && where != "":
		where = fmt.Sprintf("%s (%s): ", f.Option, where)
	case f.Option != "" || where != "":
		where = f.Option + where + ": "
	}
	s := where + f.Problem + "."
	if f.Cure != "" {
		s += " " + f.Cure
	}
	return s
}

// Unwrap gives the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Faults is everything that is wrong with a configuration, in one error.
type Faults []*Fault

// Error is a single line, since databases' error logs want one: the only fault,
// or all of them numbered.
func (fs Faults) Error() string {
	if len(fs) == 1 {
		return fs[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults in the configuration.", len(fs))
	for i, f := range fs {
		fmt.Fprintf(&b, " (%d) %s", i+1, f.Error())
	}
	return b.String()
}

// Unwrap gives the faults.
func (fs Faults) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// Sort puts the faults into the order of the file's lines, those without a
// line last.
func (fs Faults) Sort() {
	slices.SortStableFunc(fs, func(a, b *Fault) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Compare(a.Line, b.Line)
	})
}

// Err returns nil when there is no fault.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}
