package keyringaws

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// ReadSettings reads the configuration that the variables and the file with the
// secret access key make. Relative paths are taken in the base. Everything that is
// wrong is one error, of type [config.Faults]. Nothing is asked of AWS.
//
// The credentials are read again when the file has changed.
func ReadSettings(s Settings, base config.Base) (Options, Report, error) {
	r := &reader{where: s.Where}
	var o Options
	o.DataFile = r.path(VariableData, cmp.Or(strings.TrimSpace(s.DataFile), DefaultDataFile), base)
	o.ConfFile = r.path(VariableConf, cmp.Or(strings.TrimSpace(s.ConfFile), DefaultConfFile), base)
	if o.DataFile != "" && o.DataFile == o.ConfFile {
		r.fault(VariableData, o.DataFile+" is the file with the secret access key, too", "Set it to another file, which need not exist yet.", nil)
	} else {
		r.dataFile(o.DataFile)
	}
	r.report.File = o.ConfFile
	r.key(&o, s)
	c := r.confFile(o.ConfFile)
	if len(r.faults) > 0 {
		return Options{}, r.report, r.faults
	}
	o.AWS.Endpoint, o.AWS.Proxy, o.AWS.FIPS, o.AWS.Timeout = c.Endpoint, c.Proxy, c.FIPS, c.Timeout
	o.AWS.Credentials = newCredentials(o.ConfFile).get
	o.AWS.Cure = words(&o).Cure(c.Timeout)
	for _, row := range [][2]string{
		{"Keyring_aws_cmk_id", o.KeyID}, {"Keyring_aws_conf_file", o.ConfFile}, {"Keyring_aws_data_file", o.DataFile}, {"Keyring_aws_region", o.AWS.Region},
		{"Endpoint", c.Endpoint}, {"Proxy", config.Redacted(c.Proxy)}, {"Fips", strconv.FormatBool(c.FIPS)}, {"Timeout_ms", strconv.FormatInt(c.Timeout.Milliseconds(), 10)},
	} {
		o.status = append(o.status, keyring.StatusRow{Name: row[0], Value: cmp.Or(row[1], "<NONE>")})
	}
	return o, r.report, nil
}

// reader collects what there is to say about the variables.
type reader struct {
	where  func(string) (string, int)
	faults config.Faults
	report config.Report
}

// at is something about a variable, which may stand in an option file.
func (r *reader) at(variable, problem string) *config.Fault {
	f := &config.Fault{Option: variable, Problem: problem}
	if r.where != nil {
		f.File, f.Line = r.where(variable)
	}
	return f
}

func (r *reader) fault(variable, problem, cure string, err error) {
	f := r.at(variable, problem)
	f.Cure, f.Err = cure, err
	r.faults = append(r.faults, f)
}

func (r *reader) warn(variable, text string) {
	r.report.Warnings = append(r.report.Warnings, r.at(variable, text).Error())
}

func (r *reader) note(variable, text string) {
	r.report.Notes = append(r.report.Notes, r.at(variable, text).Error())
}

// path makes a path absolute.
func (r *reader) path(variable, text string, base config.Base) string {
	switch {
	case filepath.IsAbs(text):
		return filepath.Clean(text)
	case base == "":
		r.fault(variable, fmt.Sprintf("%q is a relative path, and there is no current directory", text), "Write the absolute path.", nil)
		return ""
	}
	file := filepath.Join(string(base), text)
	r.warn(variable, fmt.Sprintf("%q is taken to be %s; write the absolute path, since the server is not always started in the same folder", text, file))
	return file
}

// key reads the KMS key and its region.
func (r *reader) key(o *Options, s Settings) {
	of := config.Reader{}
	o.AWS.Region = of.AWSRegion(VariableRegion, cmp.Or(strings.TrimSpace(s.Region), DefaultRegion))
	for _, f := range of.Faults {
		r.fault(VariableRegion, f.Problem, f.Cure, nil)
	}
	if len(of.Faults) == 0 && !documented(o.AWS.Region) {
		r.warn(VariableRegion, o.AWS.Region+" is not among the regions that MySQL's manual lists; it is taken as it is")
	}
	text := strings.TrimSpace(s.KeyID)
	if text == "" {
		return
	}
	id, region, err := awskms.ParseKeyID(text)
	if err != nil {
		r.fault(VariableKey, err.Error(), "Set it to a KMS key's ID (a UUID), an alias or an ARN, as the console of AWS KMS shows them.", nil)
		return
	}
	o.KeyID = id
	if region != "" && region != o.AWS.Region {
		text := fmt.Sprintf("it is %s, and %s names a key in %s, which is what counts", o.AWS.Region, VariableKey, region)
		if t := strings.TrimSpace(s.Region); t == "" || t == DefaultRegion { // which the server shows, set or not
			r.note(VariableRegion, "by default "+text)
		} else {
			r.warn(VariableRegion, text)
		}
		o.AWS.Region = region
	}
}

// confFile reads the file with the secret access key.
func (r *reader) confFile(file string) conf {
	if file == "" {
		return conf{}
	}
	c, of := readConf(file)
	for _, f := range of.Faults {
		if f.Err != nil { // of the system: the path may be what is wrong
			r.fault(VariableConf, file+": "+f.Problem, f.Cure, f.Err)
			continue
		}
		r.faults = append(r.faults, f)
	}
	r.report.Warnings = append(r.report.Warnings, of.Report.Warnings...)
	if mode, ok := config.ModeOf(file); ok && mode.IsRegular() && mode&0o004 != 0 {
		r.report.Warnings = append(r.report.Warnings, (&config.Fault{File: file, Problem: "everyone on this host can read the secret access key in it; chmod o-r " + file}).Error())
	}
	return c
}

// words are the names for cures.
func words(o *Options) config.AWSWords {
	w := config.AWSWords{
		Where: "The secret access key is in " + o.ConfFile + ".",
		Key:   VariableKey, Region: VariableRegion,
		Credentials: "the access key ID and the secret access key", Owner: "the user of the access key", SessionToken: optionToken,
		Endpoint: config.EndpointWords(optionEndpoint, o.AWS.Endpoint),
		Timeout:  optionTimeout, Data: o.DataFile,
	}
	if o.AWS.Proxy != "" {
		w.Proxy = config.EndpointWords(optionProxy, o.AWS.Proxy)
	}
	return w
}
