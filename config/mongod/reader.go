package mongod

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
)

// setting is an option's value as it is written.
type setting struct {
	text   string
	file   string // or commandLine
	line   int
	quoted bool
	broken bool // a fault tells that it is no value
}

// reader goes through mongod.conf and a command line, and collects what there is to say
// about them.
type reader struct {
	config.Reader
	set      map[string]setting
	hasVault bool
	unknown  bool // something is hidden behind an expansion, of which a fault tells
	args     bool // there is a command line
}

func newReader(base config.Base) *reader {
	return &reader{Reader: config.Reader{Base: base, Now: time.Now, Lines: map[string]int{}}, set: map[string]setting{}}
}

// has says whether an option is set, be it to something wrong.
func (r *reader) has(name string) bool {
	_, ok := r.set[name]
	return ok
}

// with has f speak of an option, by its title, where it stands.
func (r *reader) with(name string, f func(of *config.Reader, title string)) {
	of := &config.Reader{File: r.File, Base: r.Base, Now: r.Now, Lines: map[string]int{}}
	for _, o := range table() {
		of.Lines[title(o.name)] = r.set[o.name].line
	}
	if s, ok := r.set[name]; ok {
		of.File = s.file
	}
	f(of, title(name))
	r.Faults = append(r.Faults, of.Faults...)
	r.Report.Warnings = append(r.Report.Warnings, of.Report.Warnings...)
	r.Report.Notes = append(r.Report.Notes, of.Report.Notes...)
}

func (r *reader) fault(name, problem, cure string, err error) {
	r.with(name, func(of *config.Reader, title string) { of.Fault(title, problem, cure, err) })
}

func (r *reader) warn(name, text string) {
	r.with(name, func(of *config.Reader, title string) { of.Warn(title, text) })
}

// text returns an option's value; "" if it is absent, blank or broken.
func (r *reader) text(name string) string {
	if s := r.set[name]; !s.broken && strings.TrimSpace(s.text) != "" {
		return s.text
	}
	return ""
}

// required is text of an option that may be absent but, if it is there, not blank.
func (r *reader) required(name, what string) (string, bool) {
	s, ok := r.set[name]
	if !ok || s.broken {
		return "", false
	}
	if strings.TrimSpace(s.text) == "" {
		r.fault(name, "it is blank", "Set it to "+what+".", nil)
		return "", false
	}
	return s.text, true
}

// boolean takes what mongod takes, true and false, and what YAML and people do.
func (r *reader) boolean(name string, otherwise bool) bool {
	s, ok := r.set[name]
	if !ok || s.broken {
		return otherwise
	}
	var value bool
	switch strings.ToLower(s.text) {
	case "true", "yes", "on":
		value = true
	case "false", "no", "off":
	case "":
		r.fault(name, "it is blank", "Write true or false.", nil)
		return otherwise
	default:
		r.fault(name, fmt.Sprintf("%q where true or false is needed", shorten(s.text)), "Write true or false.", nil)
		return otherwise
	}
	word := strconv.FormatBool(value)
	switch {
	case s.text != word:
		r.warn(name, fmt.Sprintf("%s is taken for %s; write that, since mongod takes true and false only", s.text, word))
	case s.quoted:
		r.warn(name, fmt.Sprintf("the string %q is taken for %s; write it without quotes", s.text, word))
	}
	return value
}

// whole is a number as mongod writes one. What begins with 0 is octal to some.
var whole = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)

// integer takes a number of the range.
func (r *reader) integer(name string, otherwise, least int, unit string) int {
	s, ok := r.set[name]
	if !ok || s.broken {
		return otherwise
	}
	of := fmt.Sprintf("of %d at least", least)
	if least == math.MinInt32 {
		of = "which may be negative"
	}
	cure := fmt.Sprintf("Write a whole number of %s, %s; the default is %d.", unit, of, otherwise)
	n, err := strconv.Atoi(s.text)
	switch {
	case s.text == "":
		r.fault(name, "it is blank", cure, nil)
		return otherwise
	case err != nil && strings.Trim(s.text, "+-0123456789") != "" || !whole.MatchString(s.text):
		r.fault(name, fmt.Sprintf("%q is not a whole number", shorten(s.text)), cure, nil)
		return otherwise
	case err != nil || n < least || n > math.MaxInt32:
		r.fault(name, shorten(s.text)+" is out of range", cure, nil)
		return otherwise
	case s.quoted:
		r.warn(name, fmt.Sprintf("the string %q is taken for a number; write it without quotes", s.text))
	}
	return n
}

// choice reads an option that has few values.
func (r *reader) choice(name, otherwise string, values ...string) string {
	s, ok := r.set[name]
	if !ok || s.broken {
		return otherwise
	}
	if !slices.Contains(values, s.text) {
		problem := fmt.Sprintf("%q is not a value of it", shorten(s.text))
		if s.text == "" {
			problem = "it is blank"
		}
		r.fault(name, problem,
			fmt.Sprintf("Write %s; the default is %s.", strings.Join(values, " or "), otherwise), nil)
		return otherwise
	}
	return s.text
}

// path returns an option's path, absolute; false if it is absent or after a fault.
func (r *reader) path(name, what string) (file string, ok bool) {
	text, ok := r.required(name, what)
	if !ok {
		return "", false
	}
	if r.set[name].file == commandLine {
		return absolute(r.Base, text), true
	}
	r.with(name, func(of *config.Reader, title string) { file, ok = of.Resolve(title, text) })
	return file, ok
}

// shorten keeps what is quoted in a message at a readable length.
func shorten(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
