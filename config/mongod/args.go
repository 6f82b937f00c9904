package mongod

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/config"
)

// commandLine stands for a file's name where an option is not in a file.
const commandLine = "command line"

// readArgs files what a command line says, and returns what of it is mongod's. The form
// is that of mongod: --name value, --name=value, the same with one hyphen, and -f FILE.
// "--" is passed over: what is behind it is the command line as well.
func (r *reader) readArgs(args []string) (file string, rest []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			continue
		}
		flag, value, assigned := split(arg)
		if flag == "" { // a value of an option of mongod's
			rest = append(rest, arg)
			continue
		}
		o, known := byFlag(flag)
		isFile := flag == "config" || flag == "f"
		if flag == "configsvr" {
			r.set[clusterRole] = setting{text: flag, file: commandLine}
		}
		if !known && !isFile {
			if !r.strangeFlag(flag) {
				rest = append(rest, arg)
			}
			continue
		}
		from := i
		if !assigned && i+1 < len(args) && takes(o, args[i+1]) {
			i++
			value, assigned = args[i], true
		}
		if o.own && o.name != engineConfig {
			rest = append(rest, args[from:i+1]...)
		}
		switch {
		case !assigned && o.boolean:
			value = "true"
		case !assigned:
			r.flagFault(flag, "its value is missing", "Write --"+flag+"=VALUE.")
			if !isFile {
				r.set[o.name] = setting{file: commandLine, broken: true}
			}
			continue
		}
		if isFile {
			if file != "" {
				r.flagFault(flag, "it stands more than once", "Name one configuration file.")
			}
			file = value
			continue
		}
		r.fileFlag(o, value)
	}
	return file, rest
}

// split takes an argument apart; the flag is empty if it is none.
func split(arg string) (flag, value string, assigned bool) {
	switch {
	case strings.HasPrefix(arg, "--"):
		arg = arg[2:]
	case strings.HasPrefix(arg, "-f/"), strings.HasPrefix(arg, "-f."):
		return "f", arg[2:], true
	case strings.HasPrefix(arg, "-"):
		arg = arg[1:]
	default:
		return "", "", false
	}
	flag, value, assigned = strings.Cut(arg, "=")
	if flag == "" || flag[0] >= '0' && flag[0] <= '9' { // a negative number
		return "", "", false
	}
	return flag, value, assigned
}

// takes says whether an argument is the value of the option before it.
func takes(o option, next string) bool {
	if o.boolean {
		return next == "true" || next == "false"
	}
	flag, _, _ := split(next)
	return next != "--" && flag == ""
}

// fileFlag files an option's value.
func (r *reader) fileFlag(o option, value string) {
	if _, twice := r.set[o.name]; twice {
		r.flagFault(o.cli, "it stands more than once", "Keep one.")
		return
	}
	s := setting{text: value, file: commandLine}
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		r.flagFault(o.cli, "its value is not text in UTF-8", "Correct the value.")
		s.broken = true
	}
	r.set[o.name] = s
	if o.hidden {
		r.Report.Warnings = append(r.Report.Warnings, (&config.Fault{
			Option: title(o.name), File: commandLine,
			Problem: "everyone on this host can see the command lines of running programs; write it into the configuration file",
		}).Error())
	}
}

func (r *reader) flagFault(flag, problem, cure string) {
	option := "--" + flag
	if len(flag) == 1 {
		option = "-" + flag
	}
	if o, ok := byFlag(flag); ok {
		option = title(o.name)
	}
	r.Faults = append(r.Faults, &config.Fault{Option: option, File: commandLine, Problem: problem, Cure: cure})
}

// strangeFlag deals with a flag that is none of ours; true if it is none of mongod's
// either, which there is a fault for.
func (r *reader) strangeFlag(flag string) bool {
	lower := strings.ToLower(flag)
	near := meantFlag(flag)
	switch {
	case strings.HasPrefix(lower, "vault"):
		r.vault("--"+flag, commandLine, 0)
	case clientKey(flag):
		problem, cure := noClientKey()
		r.flagFault(flag, problem, cure)
	case near != "":
		r.flagFault(flag, "there is no such option (did you mean --"+near+"?)", "Correct the name: with a wrong one the data would not be encrypted as it says.")
	case strings.HasPrefix(lower, "kmip"), strings.HasPrefix(lower, "awskms"):
		r.flagFault(flag, "there is no such option", "Remove it.")
	default:
		return false
	}
	return true
}

// overrule lets the command line win over the file, as in mongod.
func (r *reader) overrule(args map[string]setting) {
	for _, o := range table() {
		s, ok := args[o.name]
		if !ok {
			continue
		}
		if other, both := r.set[o.name]; both && !other.broken && other.text != s.text {
			at := fmt.Sprintf("%s, line %d", other.file, other.line)
			if o.hidden {
				r.Note("%s: the command line's value is taken, not that of %s", title(o.name), at)
			} else {
				r.Note("%s: %q of the command line is taken, not %q of %s", title(o.name), s.text, other.text, at)
			}
		}
		r.set[o.name] = s
	}
}

// absolute is a path of the command line, which mongod takes in the current directory.
func absolute(base config.Base, path string) string {
	switch {
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	case base != "":
		return filepath.Join(string(base), path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return path // there is no current directory, and so no such file
	}
	return abs
}
