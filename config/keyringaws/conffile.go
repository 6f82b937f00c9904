package keyringaws

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Our options, in lines of their own below the document's two.
const (
	optionToken    = "session_token"
	optionEndpoint = "endpoint"
	optionProxy    = "proxy"
	optionTimeout  = "timeout_ms"
	optionFIPS     = "fips"
)

const defaultTimeout = 5 * time.Second

// twoLines is what the document says of the file.
const twoLines = "Write two lines: line 1 is the secret access key ID, line 2 is the secret access key."

// conf is what the file with the secret access key says.
type conf struct {
	awskms.Credentials
	Endpoint, Proxy string
	FIPS            bool
	Timeout         time.Duration
}

// ReadCredentials reads an access key from a file of two lines, as the plugin's
// configuration file is. Every error is of type [config.Faults].
func ReadCredentials(file string) (awskms.Credentials, error) {
	c, r := readConf(file)
	return c.Credentials, r.Faults.Err()
}

// ParseCredentials is ReadCredentials of a text that is called name in errors.
func ParseCredentials(name string, text []byte) (awskms.Credentials, error) {
	r := &config.Reader{File: name, Lines: map[string]int{}}
	c := parseConf(r, text)
	return c.Credentials, r.Faults.Err()
}

// readConf reads the file.
func readConf(file string) (conf, *config.Reader) {
	r := &config.Reader{File: file, Lines: map[string]int{}}
	data := r.ReadFile("Write it, or correct the path. " + twoLines)
	if data == nil {
		return conf{}, r
	}
	defer secret.Wipe(data)
	return parseConf(r, data), r
}

// parseConf takes the text apart: two lines, and below them ours.
func parseConf(r *config.Reader, data []byte) conf {
	c := conf{Timeout: defaultTimeout}
	data = bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))
	lines := strings.Split(string(data), "\n")
	for i := range lines {
		lines[i] = strings.Trim(lines[i], " \t\r")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	switch {
	case len(lines) == 0:
		r.FileFault(0, "it is empty", twoLines, nil)
		return c
	case len(lines) == 1:
		r.FileFault(0, "it has one line only", twoLines, nil)
		return c
	case lines[0] == "" || lines[1] == "":
		blank := 1 + slices.Index(lines, "")
		r.FileFault(blank, "it is blank, as one of the first two lines", twoLines, nil)
		return c
	case isKeyID(lines[1]) && !isKeyID(lines[0]):
		r.FileFault(2, "it is a secret access key ID, which belongs into line 1", twoLines, nil)
		return c
	}
	c.AccessKeyID, c.SecretAccessKey = lines[0], lines[1]
	names := []string{optionToken, optionEndpoint, optionProxy, optionTimeout, optionFIPS}
	for i, line := range lines[2:] {
		n := i + 3
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case line == "":
		case !ok || !slices.Contains(names, name):
			// The line is not repeated: it may be a secret.
			r.FileFault(n, "there is a third line, and it is none of dbkeyring's options", "Take it out, or write one of "+strings.Join(names, ", ")+", each as NAME=VALUE. "+twoLines, nil)
		case r.Lines[name] != 0:
			r.FileFault(n, fmt.Sprintf("%s stands in line %d already", name, r.Lines[name]), "Keep one of the two.", nil)
		default:
			r.Lines[name] = n
			c.set(r, name, value)
		}
	}
	r.Lines[idLine], r.Lines[secretLine] = 1, 2
	r.AWSCredentials(idLine, secretLine, optionToken, c.Credentials)
	if c.FIPS && c.Endpoint != "" {
		r.Fault(optionFIPS, "endpoint is set, too, and only AWS's own endpoints can be chosen by it", "Keep one of the two; endpoint may be that of a FIPS endpoint.", nil)
	}
	return c
}

// What the first two lines are called in faults.
const (
	idLine     = "secret access key ID"
	secretLine = "secret access key"
)

// set takes one of our options.
func (c *conf) set(r *config.Reader, name, value string) {
	switch name {
	case optionToken:
		c.SessionToken = value
	case optionEndpoint:
		c.Endpoint = r.AWSEndpoint(name, value)
	case optionProxy:
		c.Proxy = r.AWSProxy(name, value)
	case optionTimeout:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > math.MaxInt32 {
			r.Fault(name, fmt.Sprintf("%q is not a number of milliseconds", value), fmt.Sprintf("Write a whole number from 1; the default is %d.", defaultTimeout.Milliseconds()), nil)
			return
		}
		c.Timeout = time.Duration(n) * time.Millisecond
	case optionFIPS:
		if value != "true" && value != "false" {
			r.Fault(name, fmt.Sprintf("%q is neither true nor false", value), "Write true or false; the default is false.", nil)
		}
		c.FIPS = value == "true"
	}
}

// isKeyID says whether a text can only be an access key ID.
func isKeyID(s string) bool {
	return len(s) >= 16 && len(s) <= 24 && (strings.HasPrefix(s, "AKIA") || strings.HasPrefix(s, "ASIA")) && strings.ToUpper(s) == s
}

// DirMode is that of the document: the folder is accessible to the server's account only.
const DirMode fs.FileMode = 0o750

// confMode leaves the secret to its owner, who is that of the folder.
const confMode fs.FileMode = 0o600

// WriteConf writes the file with the secret access key. The endpoint may be empty.
func WriteConf(file string, c awskms.Credentials, endpoint string) error {
	text := c.AccessKeyID + "\n" + c.SecretAccessKey + "\n"
	for _, o := range [][2]string{{optionToken, c.SessionToken}, {optionEndpoint, endpoint}} {
		if o[1] != "" {
			text += o[0] + "=" + o[1] + "\n"
		}
	}
	data := []byte(text)
	defer secret.Wipe(data)
	return atomicfile.WriteFile(file, data, confMode)
}
