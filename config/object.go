package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dbkeyring/dbkeyring/secret"
)

// Object reads a configuration file that is one JSON object, as those of
// MySQL's components are. Wrong values become faults, and the default is
// returned in their place.
type Object struct {
	Reader
	Members map[string]Member
	data    []byte
}

// Load reads and splits the file; false if nothing can be said about its
// options. Who has used the members calls Wipe: they may hold a password.
func (o *Object) Load(cureIfAbsent string) bool {
	o.Members, o.Lines = map[string]Member{}, map[string]int{}
	o.data = o.ReadFile(cureIfAbsent)
	if o.data == nil {
		return false
	}
	members, err := ParseObject(o.data)
	if err != nil {
		syntax, _ := errors.AsType[*SyntaxError](err)
		o.FileFault(syntax.Line, syntax.Problem, "Write one JSON object with the options.", err)
		o.Wipe()
		return false
	}
	o.index(members)
	return true
}

// Wipe wipes the file's text.
func (o *Object) Wipe() { secret.Wipe(o.data) }

// index files the members by name.
func (o *Object) index(members []Member) {
	for _, m := range members {
		first, twice := o.Members[m.Name]
		switch {
		case twice && !bytes.Equal(first.Value, m.Value):
			o.Faults = append(o.Faults, &Fault{
				Option: m.Name, File: o.File, Line: m.Line,
				Problem: fmt.Sprintf("it stands in line %d already, with another value", first.Line),
				Cure:    "Keep one of the two.",
			})
		case twice:
			o.Warn(m.Name, fmt.Sprintf("it stands twice, in lines %d and %d", first.Line, m.Line))
		default:
			o.Members[m.Name], o.Lines[m.Name] = m, m.Line
		}
	}
}

// CheckNames warns of options that are not among the known ones. Aliases are
// further names and what is probably meant by them; it may be nil.
func (o *Object) CheckNames(known []string, aliases map[string]string) {
	names := make([]string, 0, len(o.Members))
	for name := range o.Members {
		if !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) })
	slices.SortStableFunc(names, func(a, b string) int { return o.Lines[a] - o.Lines[b] })
	for _, name := range names {
		text := "there is no such option, it is ignored"
		if near := Nearest(name, known, aliases); near != "" {
			text += " (did you mean " + near + "?)"
		}
		o.Warn(name, text)
	}
}

// Has says whether the option is in the file.
func (o *Object) Has(option string) bool {
	_, ok := o.Members[option]
	return ok
}

// Text returns a string option; false if it is absent or wrong.
func (o *Object) Text(option string) (string, bool) {
	m, ok := o.Members[option]
	if !ok {
		return "", false
	}
	var s string
	if m.Value[0] != '"' || json.Unmarshal(m.Value, &s) != nil {
		o.Fault(option, Kind(m.Value)+" where a string is needed", "Write a string in double quotes.", nil)
		return "", false
	}
	return s, true
}

// Required returns a string option that must be there and not blank. What says
// what to set it to.
func (o *Object) Required(option, what string) (string, bool) {
	if !o.Has(option) {
		o.Missing(option, "it is missing", what)
		return "", false
	}
	s, ok := o.Text(option)
	if ok && strings.TrimSpace(s) == "" {
		o.Missing(option, "it is blank", what)
		return "", false
	}
	return s, ok
}

// Missing records that a required option is absent or blank.
func (o *Object) Missing(option, problem, what string) {
	o.Fault(option, problem, "Set it to "+what+".", nil)
}

// Strings returns the trimmed items of an option that is a list of strings or
// one string with commas, without the blank ones; false after a fault.
func (o *Object) Strings(option string) ([]string, bool) {
	m, ok := o.Members[option]
	if !ok {
		return nil, true
	}
	var items []string
	if m.Value[0] == '[' {
		if json.Unmarshal(m.Value, &items) != nil || slices.Contains(rawItems(m.Value), "null") {
			o.Fault(option, "the list has items that are no strings", "Write each host in double quotes.", nil)
			return nil, false
		}
	} else {
		text, ok := o.Text(option)
		if !ok {
			return nil, false
		}
		items = strings.Split(text, ",")
	}
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return slices.DeleteFunc(items, func(s string) bool { return s == "" }), true
}

// rawItems returns the texts of a list's items; null would pass as "".
func rawItems(list json.RawMessage) []string {
	var raw []json.RawMessage
	_ = json.Unmarshal(list, &raw) // it has parsed as a list
	items := make([]string, len(raw))
	for i, v := range raw {
		items[i] = string(v)
	}
	return items
}

// Boolean takes true and false and, with a warning, these words as strings.
func (o *Object) Boolean(option string, otherwise bool) bool {
	m, ok := o.Members[option]
	if !ok {
		return otherwise
	}
	switch string(m.Value) {
	case "true":
		return true
	case "false":
		return false
	case `"true"`, `"false"`:
		word := strings.Trim(string(m.Value), `"`)
		o.Warn(option, fmt.Sprintf("the string %q is taken for %s; write it without quotes", word, word))
		return word == "true"
	}
	o.Fault(option, Kind(m.Value)+" where true or false is needed", "Write true or false, without quotes.", nil)
	return otherwise
}

// Integer takes a JSON number without fraction or exponent, from 1 to most.
func (o *Object) Integer(option string, otherwise, most int, unit string) int {
	m, ok := o.Members[option]
	if !ok {
		return otherwise
	}
	cure := fmt.Sprintf("Write a whole number of %s from 1 to %d, without quotes; the default is %d.", unit, most, otherwise)
	if k := Kind(m.Value); k != "a number" {
		o.Fault(option, k+" where a number is needed", cure, nil)
		return otherwise
	}
	n, err := strconv.Atoi(string(m.Value))
	if err != nil || n < 1 || n > most {
		o.Fault(option, string(m.Value)+" is out of range", cure, nil)
		return otherwise
	}
	return n
}

// Choice reads a string option that has few values.
func (o *Object) Choice(option, otherwise string, values []string) string {
	if !o.Has(option) {
		return otherwise
	}
	s, ok := o.Text(option)
	if !ok {
		return otherwise
	}
	if !slices.Contains(values, s) {
		o.Fault(option, fmt.Sprintf("%q is not a value of it", s), fmt.Sprintf("Write one of %q; the default is %q.", values, otherwise), nil)
		return otherwise
	}
	return s
}

// Nearest returns the known option that name was probably meant to be, or "".
func Nearest(name string, known []string, aliases map[string]string) string {
	name = strings.ToLower(name)
	for _, k := range known {
		if distance(name, strings.ToLower(k)) <= 2 {
			return k
		}
	}
	return aliases[name]
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3 // far enough for Nearest, and bounds the work
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
