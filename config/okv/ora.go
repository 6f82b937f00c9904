package okv

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/config"
)

// reader goes through okvclient.ora and collects what there is to say about it.
type reader struct {
	config.Reader
	values map[string]string
}

// names are those that count.
func names() []string {
	return []string{server, standbyServer, kmipVersion, connectTimeout, timeout, startTimeout, verifyName}
}

// aliases are names that people write, and what they mean.
func aliases() map[string]string {
	return map[string]string{
		"primary_server": server, "host": server, "standby": standbyServer, "standby_servers": standbyServer, "standbyserver": standbyServer,
	}
}

// split takes the text apart: lines of name=value, in which blanks do not count
// nor the case of a name. "#" begins a comment at the start of a line or after a
// blank. Names that are not ours are noted and passed over, since Oracle's tools
// write more than the plugin needs.
func (r *reader) split(data []byte) {
	data = bytes.TrimPrefix(data, []byte("\uFEFF")) // as Windows' editors put there
	for i, line := range strings.Split(string(data), "\n") {
		r.line(i+1, line)
	}
}

func (r *reader) line(n int, line string) {
	if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
		r.FileFault(n, "it is not text in UTF-8", "Write the file with a text editor.", nil)
		return
	}
	line = strings.TrimSpace(uncommented(line))
	if line == "" {
		return
	}
	name, value, ok := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" {
		r.FileFault(n, fmt.Sprintf("%q is not of the form NAME=value", shorten(line)), "Correct the line, or put # before it.", nil)
		return
	}
	upper := strings.ToUpper(name)
	if !slices.Contains(names(), upper) {
		r.stranger(n, name)
		return
	}
	if first, twice := r.Lines[upper]; twice {
		cure := "Keep one of the two."
		if upper == standbyServer {
			cure = "Write all standby servers into one line, with commas between them."
		}
		r.Faults = append(r.Faults, &config.Fault{
			Option: upper, File: r.File, Line: n, Problem: fmt.Sprintf("it stands in line %d already", first), Cure: cure,
		})
		return
	}
	r.Lines[upper], r.values[upper] = n, value
}

// stranger deals with a name that is none of ours.
func (r *reader) stranger(n int, name string) {
	near := config.Nearest(name, names(), aliases())
	text := "there is no such option"
	if near != "" {
		text += " (did you mean " + near + "?)"
	}
	f := &config.Fault{Option: shorten(name), File: r.File, Line: n, Problem: text}
	switch {
	case strings.HasPrefix(strings.ToUpper(name), prefix):
		f.Cure = "Write one of " + strings.Join(names()[2:], ", ") + "."
		r.Faults = append(r.Faults, f)
	case near != "":
		f.Problem += ", it is ignored"
		r.Report.Warnings = append(r.Report.Warnings, f.Error())
	default:
		r.Note("%s (%s, line %d): keyring_okv does not use it", shorten(name), r.File, n)
	}
}

// uncommented takes a comment off a line.
func uncommented(line string) string {
	for i, c := range line {
		if c == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// shorten keeps what is quoted in a message at a readable length.
func shorten(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// list returns the items between the commas of a value. Blank ones are warned
// about, unless there is nothing else: installers write a line with no value.
func (r *reader) list(option string) []string {
	value := r.values[option]
	if value == "" {
		return nil
	}
	items := strings.Split(value, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	full := slices.DeleteFunc(slices.Clone(items), func(s string) bool { return s == "" })
	if n := len(items) - len(full); n > 0 {
		r.Warn(option, fmt.Sprintf("%d of its commas have no server beside them and are ignored", n))
	}
	return full
}

// choice reads an option that has few values.
func (r *reader) choice(option, otherwise string, values []string) string {
	value, ok := r.values[option]
	if !ok {
		return otherwise
	}
	lower := strings.ToLower(value)
	if !slices.Contains(values, lower) {
		r.Fault(option, fmt.Sprintf("%q is not a value of it", shorten(value)), fmt.Sprintf("Write one of %s; the default is %s.", strings.Join(values, ", "), otherwise), nil)
		return otherwise
	}
	return lower
}

// milliseconds reads a time.
func (r *reader) milliseconds(option string, otherwise int) time.Duration {
	n := otherwise
	if value, ok := r.values[option]; ok {
		var err error
		if n, err = strconv.Atoi(value); err != nil || n < 1 || n > math.MaxInt32 {
			r.Fault(option, fmt.Sprintf("%q is no time", shorten(value)),
				fmt.Sprintf("Write a whole number of milliseconds from 1 to %d; the default is %d.", math.MaxInt32, otherwise), nil)
			n = otherwise
		}
	}
	return time.Duration(n) * time.Millisecond
}
