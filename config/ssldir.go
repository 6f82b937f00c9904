package config

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
)

// The files of a configuration directory of MySQL's keyring_okv and of MySQL
// Enterprise's component_keyring_kmip (manual, 6.4.8, "General keyring_okv
// Configuration").
const (
	SSLDirName   = "ssl"
	CAName       = "CA.pem"
	CertName     = "cert.pem"
	KeyName      = "key.pem"
	PasswordName = "password.txt"
)

// SSLDir reads the folder ssl of a configuration directory into o. Each fault
// names the file that it is about, and an option's text in the cure. Files that
// everyone on the host can read are warned about.
func (r *Reader) SSLDir(option, dir string, o *kmip.Options) {
	ssl := filepath.Join(dir, SSLDirName)
	if !r.isDir(option, dir) {
		return
	}
	if !r.isDir("", ssl) {
		return
	}
	d := sslDir{r, ssl}
	o.ServerCAFile = d.path(CAName)
	o.ClientCertFile = d.path(CertName)
	o.ClientKeyFile = d.path(KeyName)
	passwordOK := d.password(o)

	cas, err := pemkey.LoadCertificates(o.ServerCAFile)
	if err != nil {
		d.fault(CAName, err)
	}
	for _, c := range cas {
		d.dates(CAName, c, "what it signed is no longer trusted")
	}
	var certs []*x509.Certificate
	if certs, err = pemkey.LoadCertificates(o.ClientCertFile); err != nil {
		d.fault(CertName, err)
	} else {
		d.dates(CertName, certs[0], "the key server will refuse it")
	}
	var key crypto.Signer
	key, err = pemkey.LoadKey(o.ClientKeyFile, o.ClientKeyPassword)
	if err != nil && !(errors.Is(err, pemkey.ErrNoPassword) && !passwordOK) { // the password has a fault of its own
		d.fault(KeyName, err)
	}
	if certs != nil && key != nil {
		if _, err := pemkey.Pair(o.ClientCertFile, certs, o.ClientKeyFile, key); err != nil {
			d.fault(KeyName, err)
		}
	}
	r.checkModes(dir)
	for _, file := range []string{o.ServerCAFile, o.ClientCertFile, o.ClientKeyFile} {
		r.CheckOwner("", file)
	}
	if o.ClientKeyPassword != nil {
		r.CheckOwner("", d.path(PasswordName))
	}
}

// isDir records a fault if dir is no folder that can be looked into. The option,
// if there is one, may stand outside of the configuration file.
func (r *Reader) isDir(option, dir string) bool {
	fault := func(problem, cure string, err error) bool {
		if r.Lines[option] > 0 {
			r.Fault(option, dir+": "+problem, cure, err)
		} else {
			r.Faults = append(r.Faults, &Fault{Option: option, File: dir, Problem: problem, Cure: cure, Err: err})
		}
		return false
	}
	const write = "Make it, with CA.pem, cert.pem and key.pem in it."
	cure := write
	if option != "" {
		cure = "Make it, or correct the path."
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return fault("there is no such directory", cure, err)
	case err != nil:
		return fault("cannot look into it: "+OSReason(err), RightsCure(dir), err)
	case !info.IsDir():
		return fault("it is not a directory", cure, nil)
	}
	if _, err := os.ReadDir(dir); err != nil {
		return fault("cannot look into it: "+OSReason(err), RightsCure(dir), err)
	}
	return true
}

type sslDir struct {
	*Reader
	dir string
}

func (d sslDir) path(name string) string { return filepath.Join(d.dir, name) }

// password reads password.txt, if it is there; false after a fault.
func (d sslDir) password(o *kmip.Options) bool {
	file := d.path(PasswordName)
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	password, err := ReadPassword(file)
	if e, ok := errors.AsType[*PasswordFileError](err); ok {
		cure := e.Cure
		switch {
		case e.Err == nil:
			cure = "Write the password on one line, or remove the file if the key has none."
		case errors.Is(e.Err, fs.ErrNotExist): // a dangling link
			cure = "Correct the link, or remove it if the key has no password."
		}
		d.Faults = append(d.Faults, &Fault{File: file, Problem: e.Problem, Cure: cure, Err: e.Err})
		return false
	}
	o.ClientKeyPassword = password
	if _, err := pemkey.LoadKey(o.ClientKeyFile, nil); err == nil {
		d.Note("%s has no password: %s is not needed", o.ClientKeyFile, file)
	}
	return true
}

// fault puts a fault of a PEM file into words.
func (d sslDir) fault(name string, err error) {
	file := d.path(name)
	what := map[string]string{
		CAName:   "the certificate of the authority that signed the key server's",
		CertName: "the client's certificate, as the authority signed it, not the request,",
		KeyName:  "the client's private key",
	}[name]
	f := &Fault{File: file, Problem: err.Error(), Cure: "Put " + what + " there, in PEM form.", Err: err}
	if e, ok := errors.AsType[*pemkey.Error](err); ok {
		f.Problem = e.Reason()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if other := d.otherCase(name); other != "" {
			f.Cure = "Rename " + d.path(other) + ": letters' case counts."
		}
	case errors.Is(err, fs.ErrPermission):
		f.Cure = RightsCure(file)
	case errors.Is(err, pemkey.ErrNoPassword):
		f.Cure = "Write the password, on one line, into " + d.path(PasswordName) + ", or take it off the key: openssl pkey -in " + file + " -out PLAIN_KEY."
	case errors.Is(err, pemkey.ErrWrongPassword):
		f.Cure = "Correct the password in " + d.path(PasswordName) + "; openssl pkey -in " + file + " -passin file:" + d.path(PasswordName) + " -noout shows whether it is right."
	case errors.Is(err, pemkey.ErrMismatch):
		f.Cure = "Put a certificate and a key that were made for each other into " + CertName + " and " + KeyName + "."
	case errors.Is(err, pemkey.ErrUnsupported):
		f.Cure = "Convert the key."
	}
	d.Faults = append(d.Faults, f)
}

// otherCase returns the name of a file that differs from name in case only.
func (d sslDir) otherCase(name string) string {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), name) {
			return e.Name()
		}
	}
	return ""
}

// dates is Reader.Dates of a file that no option names.
func (d sslDir) dates(name string, c *x509.Certificate, so string) {
	of := Reader{File: d.path(name), Now: d.Now}
	of.Dates("", c, so)
	d.Report.Warnings = append(d.Report.Warnings, of.Report.Warnings...)
}

// checkModes warns of what others on this host can do: the document wants a
// directory that is accessible only to the account that runs the database.
func (r *Reader) checkModes(dir string) {
	warn := func(file, text string) {
		f := Fault{File: file, Problem: text}
		r.Report.Warnings = append(r.Report.Warnings, f.Error())
	}
	ssl := filepath.Join(dir, SSLDirName)
	open := true // whether others can come to the files
	for _, d := range []string{dir, ssl} {
		mode, ok := ModeOf(d)
		if ok && mode&0o007 != 0 && open {
			warn(d, fmt.Sprintf("everyone on this host can enter, read or change it (mode %04o); chmod o-rwx %s", mode.Perm(), d))
		}
		open = open && mode&0o001 != 0
	}
	for _, name := range []string{KeyName, PasswordName} {
		if mode, ok := ModeOf(filepath.Join(ssl, name)); ok && mode&0o004 != 0 && open {
			warn(filepath.Join(ssl, name), fmt.Sprintf("everyone on this host can read it (mode %04o); chmod o-rwx %s", mode.Perm(), filepath.Join(ssl, name)))
		}
	}
}
