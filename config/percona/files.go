package percona

import (
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// files resolves the paths and looks into the files.
func (r *reader) files(o *Options) {
	var certOK, keyOK, caOK bool
	o.ClientCertFile, certOK = r.path("client_ca", "the PEM file with the client's certificate")
	o.ClientKeyFile, keyOK = r.path("client_key", "the PEM file with the client's private key")
	o.ServerCAFile, caOK = r.path("server_ca", "the PEM file with the certificate of the authority that signed the key server's")
	var pwOK bool
	o.ClientKeyPassword, pwOK = r.password()

	var certs []*x509.Certificate
	var key crypto.Signer
	var err error
	if certOK {
		if certs, err = pemkey.LoadCertificates(o.ClientCertFile); err != nil {
			r.pemFault("client_ca", err)
		} else {
			r.Dates("client_ca", certs[0], "the key server will refuse it")
		}
	}
	if caOK {
		cas, err := pemkey.LoadCertificates(o.ServerCAFile)
		if err != nil {
			r.pemFault("server_ca", err)
		}
		for _, c := range cas {
			r.Dates("server_ca", c, "what it signed is no longer trusted")
		}
	}
	if keyOK {
		key, err = pemkey.LoadKey(o.ClientKeyFile, o.ClientKeyPassword)
		if err != nil && !(errors.Is(err, pemkey.ErrNoPassword) && !pwOK) { // the password has a fault of its own
			r.pemFault("client_key", err)
		}
		if mode, ok := config.ModeOf(o.ClientKeyFile); ok && mode&0o004 != 0 {
			r.Warn("client_key", "everyone on this host can read "+o.ClientKeyFile+"; chmod o-r "+o.ClientKeyFile)
		}
	}
	if certs != nil && key != nil {
		if _, err := pemkey.Pair(o.ClientCertFile, certs, o.ClientKeyFile, key); err != nil {
			r.pemFault("client_key", err)
		}
	}
	r.CheckOwner("", r.File)
	r.CheckOwner("client_ca", o.ClientCertFile)
	r.CheckOwner("client_key", o.ClientKeyFile)
	r.CheckOwner("server_ca", o.ServerCAFile)
}

// path returns a required path, absolute.
func (r *reader) path(option, what string) (string, bool) {
	text, ok := r.Required(option, what)
	if !ok {
		return "", false
	}
	return r.Resolve(option, text)
}

// pemFault puts a fault of a PEM file into the words of this configuration.
func (r *reader) pemFault(option string, err error) {
	e, ok := errors.AsType[*pemkey.Error](err)
	if !ok {
		r.Fault(option, err.Error(), "", err)
		return
	}
	cure := map[string]string{
		"client_ca":  "Set it to the client's own certificate, which this option is for despite its name.",
		"client_key": "Set it to the client's private key.",
		"server_ca":  "Set it to the certificate of the authority that signed the key server's.",
	}[option]
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cure = "Put the file there, or correct the path."
	case errors.Is(err, fs.ErrPermission):
		cure = config.RightsCure(e.File)
	case errors.Is(err, pemkey.ErrNoPassword):
		cure = "Set client_key_password_file or client_key_password, or take the password off: openssl pkey -in " + e.File + " -out PLAIN_KEY."
	case errors.Is(err, pemkey.ErrWrongPassword):
		cure = "Correct client_key_password."
		if _, ok := r.Members["client_key_password_file"]; ok {
			cure = "Correct the file that client_key_password_file names."
		}
	case errors.Is(err, pemkey.ErrMismatch):
		cure = "Set client_ca and client_key to files that were made for each other."
	case errors.Is(err, pemkey.ErrUnsupported):
		cure = "Convert the key."
	}
	r.Fault(option, e.Error(), cure, err)
}

// passwordFile reads the one line of client_key_password_file.
func (r *reader) passwordFile(text string) (*secret.Bytes, bool) {
	const option = "client_key_password_file"
	file, ok := r.Resolve(option, text)
	if !ok {
		return nil, false
	}
	password, err := config.ReadPassword(file)
	if e, ok := errors.AsType[*config.PasswordFileError](err); ok {
		r.Fault(option, e.Error(), e.Cure, e.Err)
		return nil, false
	}
	if mode, ok := config.ModeOf(file); ok && mode&0o004 != 0 {
		r.Warn(option, "everyone on this host can read "+file+"; chmod o-r "+file)
	}
	r.CheckOwner(option, file)
	return password, true
}
