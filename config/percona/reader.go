package percona

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
)

// The options that Percona's component knows, and ours.
var known = []string{
	"read_local_config", "server_addr", "server_port", "client_ca", "client_key", "server_ca",
	"object_group", "max_objects", "kmip_timeout_ms", "tls_peer_verification", "tls_hostname_verification",
	"client_key_password", "client_key_password_file", "start_timeout_ms", "kmip_version", "inactive_keys",
}

// enterprise are the options of MySQL Enterprise's component of the same name.
var enterprise = []string{"kmip_configuration_directory", "server", "standby_server", "cache_keys"}

// reader goes through one file and collects what there is to say about it.
type reader struct {
	file    string
	base    config.Base
	dataDir string // whose owner must be able to read everything; may be empty
	now     func() time.Time

	data    []byte
	members map[string]config.Member
	faults  config.Faults
	report  Report
}

// index files the members by name.
func (r *reader) index(members []config.Member) {
	r.members = make(map[string]config.Member, len(members))
	for _, m := range members {
		first, twice := r.members[m.Name]
		switch {
		case twice && !bytes.Equal(first.Value, m.Value):
			r.faults = append(r.faults, &config.Fault{
				Option: m.Name, File: r.file, Line: m.Line,
				Problem: fmt.Sprintf("it stands in line %d already, with another value", first.Line),
				Cure:    "Keep one of the two.",
			})
		case twice:
			r.warn(m.Name, fmt.Sprintf("it stands twice, in lines %d and %d", first.Line, m.Line))
		default:
			r.members[m.Name] = m
			r.checkName(m.Name)
		}
	}
}

func (r *reader) checkName(name string) {
	switch {
	case slices.Contains(known, name):
	case slices.Contains(enterprise, name):
		if _, ok := r.members["server_addr"]; ok {
			r.warn(name, "it belongs to MySQL Enterprise's component of the same name and is ignored")
		}
	default:
		text := "there is no such option, it is ignored"
		if near := nearest(name); near != "" {
			text += " (did you mean " + near + "?)"
		}
		r.warn(name, text)
	}
}

func (r *reader) line(option string) int { return r.members[option].Line }

func (r *reader) fault(option, problem, cure string, err error) {
	r.faults = append(r.faults, &config.Fault{
		Option: option, File: r.file, Line: r.line(option), Problem: problem, Cure: cure, Err: err,
	})
}

func (r *reader) fileFault(line int, problem, cure string, err error) {
	r.faults = append(r.faults, &config.Fault{File: r.file, Line: line, Problem: problem, Cure: cure, Err: err})
}

func (r *reader) warn(option, text string) {
	f := config.Fault{Option: option, File: r.file, Line: r.line(option), Problem: text}
	r.report.Warnings = append(r.report.Warnings, f.Error())
}

func (r *reader) note(format string, args ...any) {
	r.report.Notes = append(r.report.Notes, fmt.Sprintf(format, args...)+".")
}

// text returns a string option; false if it is absent or wrong.
func (r *reader) text(option string) (string, bool) {
	m, ok := r.members[option]
	if !ok {
		return "", false
	}
	var s string
	if m.Value[0] != '"' || json.Unmarshal(m.Value, &s) != nil {
		r.fault(option, config.Kind(m.Value)+" where a string is needed", "Write a string in double quotes.", nil)
		return "", false
	}
	return s, true
}

// required returns a string option that must be there and not blank.
func (r *reader) required(option, what string) (string, bool) {
	if _, ok := r.members[option]; !ok {
		r.missing(option, "it is missing", what)
		return "", false
	}
	s, ok := r.text(option)
	if ok && strings.TrimSpace(s) == "" {
		r.missing(option, "it is blank", what)
		return "", false
	}
	return s, ok
}

func (r *reader) missing(option, problem, what string) {
	r.fault(option, problem, "Set it to "+what+".", nil)
}

// boolean takes true and false and, with a warning, these words as strings.
func (r *reader) boolean(option string, otherwise bool) bool {
	m, ok := r.members[option]
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
		r.warn(option, fmt.Sprintf("the string %q is taken for %s; write it without quotes", word, word))
		return word == "true"
	}
	r.fault(option, config.Kind(m.Value)+" where true or false is needed", "Write true or false, without quotes.", nil)
	return otherwise
}

// integer takes a JSON number without fraction or exponent, from 1 to most.
func (r *reader) integer(option string, otherwise, most int, unit string) int {
	m, ok := r.members[option]
	if !ok {
		return otherwise
	}
	cure := fmt.Sprintf("Write a whole number of %s from 1 to %d, without quotes; the default is %d.", unit, most, otherwise)
	if k := config.Kind(m.Value); k != "a number" {
		r.fault(option, k+" where a number is needed", cure, nil)
		return otherwise
	}
	n, err := strconv.Atoi(string(m.Value))
	if err != nil || n < 1 || n > most {
		r.fault(option, string(m.Value)+" is out of range", cure, nil)
		return otherwise
	}
	return n
}

// nearest returns the known option that name was probably meant to be, or "".
func nearest(name string) string {
	for _, k := range known {
		if distance(strings.ToLower(name), k) <= 2 {
			return k
		}
	}
	return map[string]string{
		"client_certificate": "client_ca", "client_cert": "client_ca", "root_ca": "server_ca", "ca": "server_ca",
		"server_host": "server_addr", "host": "server_addr", "port": "server_port",
	}[strings.ToLower(name)]
}

// distance counts the letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	if d := len(a) - len(b); d > 2 || d < -2 {
		return 3 // far enough for nearest, and bounds the work
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
