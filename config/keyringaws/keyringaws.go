// Package keyringaws reads the configuration of MySQL's plugin keyring_aws (MySQL
// manual, 6.5.4.4, "Using the keyring_aws Amazon Web Services Keyring Plugin"): its
// system variables, and the file with the secret access key that one of them names.
//
// A configuration that works with MySQL's plugin works here unchanged.
package keyringaws

import (
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/optionfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// Plugin is the plugin's name.
const Plugin = "keyring_aws"

// The plugin's system variables.
const (
	VariableKey    = "keyring_aws_cmk_id"
	VariableConf   = "keyring_aws_conf_file"
	VariableData   = "keyring_aws_data_file"
	VariableRegion = "keyring_aws_region"
)

// Variables are all of them.
func Variables() []string {
	return []string{VariableKey, VariableConf, VariableData, VariableRegion}
}

// Defaults of the variables. MySQL's are "platform specific" and in a folder of its
// packages; there is none for the KMS key.
const (
	DefaultConfFile = "/var/lib/mysql-keyring/keyring_aws_conf"
	DefaultDataFile = "/var/lib/mysql-keyring/keyring_aws_data"
	DefaultRegion   = "us-east-1"
)

// Settings are the values of the variables. Empty ones have the defaults.
type Settings struct {
	KeyID, ConfFile, DataFile, Region string

	// Where says in which option file, and on which line, a variable stands; nil, or
	// an empty file, is nowhere.
	Where func(variable string) (file string, line int)
}

// names are the variables as the plugin's text has them.
func (s *Settings) names() map[string]*string {
	return map[string]*string{"cmk_id": &s.KeyID, "conf_file": &s.ConfFile, "data_file": &s.DataFile, "region": &s.Region}
}

// SettingsOf returns the variables as a server's option files have them; false if these
// are about another keyring.
func SettingsOf(files *optionfile.Files) (Settings, bool) {
	s := Settings{Where: func(variable string) (string, int) {
		o, _ := files.Last(variable)
		return o.File, o.Line
	}}
	found := slices.Contains(files.Keyrings(), Plugin)
	for variable, value := range map[string]*string{VariableKey: &s.KeyID, VariableConf: &s.ConfFile, VariableData: &s.DataFile, VariableRegion: &s.Region} {
		if o, ok := files.Last(variable); ok {
			*value, found = o.Value, true
		}
	}
	return s, found
}

// ParseSettings reads lines NAME=VALUE: cmk_id, conf_file, data_file and region. It is
// what the plugin hands over; a fault in it is one of a program.
func ParseSettings(text string) (Settings, error) {
	var s Settings
	var faults config.Faults
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		target := s.names()[name]
		problem := ""
		switch {
		case !ok:
			problem = "it is not NAME=VALUE"
		case target == nil:
			problem = "there is no setting " + name
		case seen[name]:
			problem = name + " stands twice"
		default:
			seen[name], *target = true, value
			continue
		}
		faults = append(faults, &config.Fault{File: "the settings of " + Plugin, Line: i + 1, Problem: problem, Cure: "Write cmk_id, conf_file, data_file and region, each once at most."})
	}
	return s, faults.Err()
}

// String is what ParseSettings reads.
func (s Settings) String() string {
	var b strings.Builder
	names := s.names()
	for _, name := range []string{"cmk_id", "conf_file", "data_file", "region"} {
		if value := *names[name]; value != "" {
			b.WriteString(name + "=" + value + "\n")
		}
	}
	return b.String()
}

// OptionFile returns the lines for a server's option file, in the order of the
// document's example.
func (s Settings) OptionFile() []byte {
	lines := []string{"[mysqld]", "early-plugin-load=" + Plugin + ".so"}
	for _, v := range [][2]string{{VariableConf, s.ConfFile}, {VariableData, s.DataFile}, {VariableKey, s.KeyID}, {VariableRegion, s.Region}} {
		if v[1] != "" {
			lines = append(lines, v[0]+"="+v[1])
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// Options is a configuration without faults: what the back end needs, with every
// default filled in, and what a status table shows.
type Options struct {
	kmsdata.Options
	ConfFile string // absolute
	status   []keyring.StatusRow
}

// Status returns the configuration's rows for a status table. No row holds a secret.
// The zero Options has none.
func (o *Options) Status() []keyring.StatusRow { return o.status }

// Wipe lets go of the credentials. The strings that they are in cannot be wiped: the
// SDK of AWS wants strings.
func (o *Options) Wipe() { o.AWS.Credentials = nil }

// Report is what the administrator should know besides the faults.
type Report = config.Report

// Read reads what the plugin hands over, and the file that it names; see
// [ReadSettings].
func Read(settings string, base config.Base) (Options, Report, error) {
	s, err := ParseSettings(settings)
	if err != nil {
		return Options{}, Report{}, err
	}
	return ReadSettings(s, base)
}

// documented are the regions of keyring_aws_region in MySQL's manual.
func documented(region string) bool {
	return slices.Contains([]string{
		"af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
		"ca-central-1", "cn-north-1", "cn-northwest-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-west-1", "us-west-2",
	}, region)
}
