package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// regionForm is what the names of AWS's regions have in common: eu-central-1,
// us-gov-east-1. The name becomes part of a host's.
var regionForm = regexp.MustCompile(`^[a-z]{2,8}(-[a-z0-9]+)+-[0-9]{1,2}$`)

// AWSRegion records a fault if the text cannot be a region's name. It returns the
// text without blanks around it.
func (r *Reader) AWSRegion(option, text string) string {
	text = strings.TrimSpace(text)
	if text != "" && !regionForm.MatchString(text) {
		r.Fault(option, fmt.Sprintf("%q is not the name of an AWS region", text), "Write it as AWS does, such as eu-central-1.", nil)
	}
	return text
}

// AWSEndpoint records a fault if the text is not the URL of a KMS endpoint, and warns
// of one that has no TLS.
func (r *Reader) AWSEndpoint(option, text string) string {
	const cure = "Write it as https://HOST or https://HOST:PORT, such as that of a VPC endpoint."
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	u, problem := webURL(text)
	switch {
	case problem != "":
		r.Fault(option, problem, cure, nil)
	case u.User != nil:
		r.Fault(option, "it has a user or a password in it, which AWS KMS does not take", cure, nil)
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		r.Fault(option, fmt.Sprintf("%q has more in it than a host and a port", text), cure, nil)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		r.Warn(option, text+" has no TLS: whoever is on the way sees the keys; write https://")
	}
	return text
}

// AWSProxy records a fault if the text is not the URL of a proxy.
func (r *Reader) AWSProxy(option, text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	u, problem := webURL(text)
	if problem == "" && (u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "") {
		problem = "it has more in it than a host and a port"
	}
	if problem != "" {
		r.Fault(option, problem, "Write it as http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT.", nil)
	}
	return text
}

// webURL reads an http or https URL, or says what is wrong with it. A password in it
// is not repeated.
func webURL(text string) (u *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, "it is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Sprintf("%q does not begin with https:// or http://", u.Redacted())
	case u.Hostname() == "":
		return nil, fmt.Sprintf("%q names no host", u.Redacted())
	}
	if _, err := ParseServer(u.Host, "443"); err != nil {
		return nil, err.Error()
	}
	return u, ""
}

// Redacted is a URL that may be shown: without its password.
func Redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

func isLoopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Both are far wider than what AWS gives out; they keep out what is no access key at
// all and would only give a wrong signature.
var (
	accessKeyID = regexp.MustCompile(`^\w+$`)
	visible     = regexp.MustCompile(`^[!-~]+$`)
)

// AWSCredentials checks an access key that is complete, in the words of the three
// options that it stands in, of which the last may be empty. The values are in no
// message.
func (r *Reader) AWSCredentials(idOption, secretOption, tokenOption string, c awskms.Credentials) {
	const trim = "Write it as AWS shows it, without quotes or blanks."
	if !accessKeyID.MatchString(c.AccessKeyID) || len(c.AccessKeyID) > 128 {
		r.Fault(idOption, "it is not an access key ID, which has letters and digits only", trim, nil)
	}
	if !visible.MatchString(c.SecretAccessKey) {
		r.Fault(secretOption, "it is not a secret access key: there are blanks or other characters in it that none has", trim, nil)
	}
	if c.SessionToken != "" && !visible.MatchString(c.SessionToken) {
		r.Fault(tokenOption, "it is not a session token: there are blanks or other characters in it that none has", trim, nil)
	}
	switch temporary := strings.HasPrefix(c.AccessKeyID, "ASIA"); {
	case temporary && c.SessionToken == "":
		r.Warn(idOption, "an access key ID that begins with ASIA is a temporary one, which is not taken without its session token: set "+tokenOption)
	case strings.HasPrefix(c.AccessKeyID, "AKIA") && c.SessionToken != "":
		r.Warn(tokenOption, "an access key ID that begins with AKIA is a lasting one, which has no session token")
	}
}
