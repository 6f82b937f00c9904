// Package optionfile reads a server's option files (MySQL manual, 6.2.2.2, "Using
// Option Files"), such as my.cnf, as mysqld does.
package optionfile

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
)

// Option is a line of an option file. In names "-" and "_" are the same, and stand
// as "_".
type Option struct {
	Group, Name, Value string
	Loose              bool // an unknown one is no error to the server
	File               string
	Line               int
}

// serverGroup matches the groups that mysqld reads.
var serverGroup = regexp.MustCompile(`^(mysqld|server|mysqld-[0-9]+\.[0-9]+)$`)

// ForServer says whether mysqld reads the group of the option.
func (o Option) ForServer() bool { return serverGroup.MatchString(o.Group) }

// Problem is what is wrong with a file. Fatal: the server does not start, or not with
// what is meant.
type Problem struct {
	config.Fault
	Fatal bool
}

// Files is an option file and what it includes.
type Files struct {
	All      []Option // in the order in which they count
	Read     []string // the files that were read
	Problems []Problem
}

// Read reads an option file and what it includes.
func Read(file string) *Files {
	f := &Files{}
	f.read(file, 0)
	return f
}

// Last returns the option that counts: the last one in a group that mysqld reads.
func (f *Files) Last(name string) (Option, bool) {
	for _, o := range slices.Backward(f.All) {
		if o.Name == name && o.ForServer() {
			return o, true
		}
	}
	return Option{}, false
}

// Keyrings returns the keyring plugins that the server loads in time.
func (f *Files) Keyrings() []string {
	var all []string
	o, _ := f.Last("early_plugin_load")
	for _, library := range Libraries(o.Value) {
		if name := PluginName(library); IsKeyring(name) && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// Libraries takes a list of plugins apart: library, or name=library, each.
func Libraries(list string) []string {
	var all []string
	for _, item := range strings.Split(list, ";") {
		if _, library, named := strings.Cut(item, "="); named {
			item = library
		}
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// PluginName is the name of a plugin that lies in a library.
func PluginName(library string) string { return strings.TrimSuffix(filepath.Base(library), ".so") }

// IsKeyring says whether a plugin is a keyring, rather than its SQL functions.
func IsKeyring(plugin string) bool {
	return strings.HasPrefix(plugin, "keyring_") && plugin != "keyring_udf"
}

func (f *Files) problem(fatal bool, file string, line int, problem, cure string) {
	f.Problems = append(f.Problems, Problem{config.Fault{File: file, Line: line, Problem: problem, Cure: cure}, fatal})
}

// maxIncludes is how deep MySQL follows includes.
const maxIncludes = 10

// read reads one file. Depth is how many files include it.
func (f *Files) read(file string, depth int) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		f.problem(false, file, 0, config.OSReason(err), "Correct the line that includes it.")
		return
	case !info.Mode().IsRegular():
		f.problem(true, file, 0, "it is not a regular file", "Name an option file.")
		return
	case info.Mode()&0o002 != 0:
		f.problem(true, file, 0, "everyone on this host can change it, and so the server ignores it", "chmod o-w "+file)
		return
	}
	r := config.Reader{File: file}
	data := r.ReadFile("")
	if data == nil {
		for _, fault := range r.Faults {
			f.problem(true, fault.File, fault.Line, fault.Problem, fault.Cure)
		}
		return
	}
	f.Read = append(f.Read, file)
	group := ""
	for i, line := range strings.Split(string(data), "\n") {
		n := i + 1
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case strings.HasPrefix(line, "!"):
			f.include(file, n, line, depth)
		case line[0] == '[':
			name, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				f.problem(true, file, n, "a group's name has no closing bracket: the server does not start", "Write [mysqld].")
				continue
			}
			group = strings.TrimRight(name, " \t") // what stands before the name is part of it
		case group == "":
			f.problem(true, file, n, "an option stands before any group: the server does not start", "Write [mysqld] above it.")
		default:
			f.All = append(f.All, parse(group, line, file, n))
		}
	}
}

// include follows !include and !includedir, which takes the files in *.cnf.
func (f *Files) include(file string, n int, line string, depth int) {
	word, path, _ := strings.Cut(strings.ReplaceAll(line[1:], "\t", " "), " ")
	path = strings.TrimSpace(path)
	switch {
	case word != "include" && word != "includedir":
		f.problem(true, file, n, fmt.Sprintf("%q is neither !include nor !includedir", line), "Correct the line.")
	case path == "":
		f.problem(true, file, n, "there is nothing to include: the server does not start", "Name it, or take the line out.")
	case depth >= maxIncludes:
		f.problem(false, file, n, "it is included too deep to count", "Include fewer files in files.")
	case word == "include":
		f.read(path, depth+1)
	default:
		entries, err := os.ReadDir(path)
		if err != nil {
			f.problem(true, file, n, path+": "+config.OSReason(err)+": the server does not start", "Make the folder, or take the line out.")
			return
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".cnf" && !e.IsDir() {
				f.read(filepath.Join(path, e.Name()), depth+1)
			}
		}
	}
}

// parse reads name, or name=value.
func parse(group, line, file string, n int) Option {
	name, value, _ := strings.Cut(withoutComment(line), "=")
	o := Option{Group: group, Name: strings.ReplaceAll(strings.TrimSpace(name), "-", "_"), File: file, Line: n}
	o.Name, o.Loose = strings.CutPrefix(o.Name, "loose_")
	value = strings.TrimSpace(value)
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	}
	o.Value = escapes.Replace(value)
	return o
}

// escapes are what a backslash stands before; before all else it is itself.
var escapes = strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\b`, "\b", `\"`, `"`, `\'`, "'")

// withoutComment cuts a line off at the first # outside of quotes.
func withoutComment(line string) string {
	var quote byte // that is open
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '#' && quote == 0:
			return line[:i]
		case c == '\\' && quote != 0:
			i++ // what follows closes nothing
		case (c == '"' || c == '\'') && quote == 0:
			quote = c
		case c == quote:
			quote = 0
		}
	}
	return line
}
