package mongod

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/keyfile"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
)

// keyFile looks at the key file. As in mongod, it is a fault if others can read it. What
// is in it is its provider's business.
func (r *reader) keyFile(o *Options, relaxed bool) {
	file, ok := r.path(keyFile, "the file with the master key in base64")
	if !ok {
		return
	}
	if !o.Enabled {
		if r.has(enableEncryption) {
			r.warn(enableEncryption, "encryption is off, and "+both(keyFile)+" has no effect")
		}
		return
	}
	o.KeyFile = &keyfile.Options{Path: file, RelaxedPermissions: relaxed}
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fault(keyFile, file+": there is no such file", "Put the key there, or correct the path; for a new database, openssl rand -base64 32 makes one.", err)
		return
	case err != nil:
		r.fault(keyFile, file+": "+config.OSReason(err), config.RightsCure(file), err)
		return
	case !info.Mode().IsRegular():
		r.fault(keyFile, file+": it is not a regular file", "Set it to the file with the key.", nil)
		return
	}
	f, err := os.Open(file)
	if err != nil {
		r.fault(keyFile, file+": "+config.OSReason(err), config.RightsCure(file), err)
		return
	}
	_ = f.Close()
	mode := info.Mode().Perm()
	ofRoot := info.Sys().(*syscall.Stat_t).Uid == 0
	switch {
	case mode&0o177 == 0, relaxed && ofRoot && mode&0o137 == 0:
	case ofRoot && mode&0o137 == 0:
		r.fault(keyFile, fmt.Sprintf("%s: its group can read it (mode %04o)", file, mode), "chmod 600 "+file+", or set "+both(relaxPermChecks)+" to true, since the file is root's.", nil)
	default:
		r.fault(keyFile, fmt.Sprintf("%s: its permissions (%04o) are too open, only 0600 and 0400 are taken", file, mode), "chmod 600 "+file+".", nil)
	}
	r.checkOwner(keyFile, file)
}

// pemFiles looks into the PEM files of the section kmip.
func (r *reader) pemFiles(k *kmip.Options) {
	var ok bool
	if r.text(kmipCA) != "" {
		if k.CAFile, ok = r.path(kmipCA, "the PEM file with the certificate of the authority that signed the KMIP server's"); ok {
			cas, err := pemkey.LoadCertificates(k.CAFile)
			if err != nil {
				r.pemFault(kmipCA, err)
			}
			for _, c := range cas {
				r.dates(kmipCA, c, "what it signed is no longer trusted")
			}
			r.checkOwner(kmipCA, k.CAFile)
		}
	}
	if k.CertFile, ok = r.path(kmipCertificate, "the PEM file with the client's private key and certificates"); !ok {
		return
	}
	certs, err := pemkey.LoadCertificates(k.CertFile)
	if err != nil {
		r.pemFault(kmipCertificate, err)
	} else {
		r.dates(kmipCertificate, certs[0], "the KMIP server will refuse it")
	}
	if err != nil && !errors.Is(err, pemkey.ErrNoCertificate) {
		return // the fault would come twice
	}
	key, err := pemkey.LoadKey(k.CertFile, k.Password)
	if err != nil {
		r.pemFault(kmipCertificate, err)
	}
	if certs != nil && key != nil {
		if _, err := pemkey.Pair(k.CertFile, certs, k.CertFile, key); err != nil {
			r.pemFault(kmipCertificate, err)
		}
		if k.Password != nil {
			if _, err := pemkey.LoadKey(k.CertFile, nil); err == nil {
				r.Note("%s has a private key without a password: %s is not needed", k.CertFile, title(kmipPassword))
			}
		}
	}
	if mode, ok := config.ModeOf(k.CertFile); ok && mode&0o004 != 0 && !errors.Is(err, pemkey.ErrNoKey) {
		r.warn(kmipCertificate, "everyone on this host can read "+k.CertFile+"; chmod o-r "+k.CertFile)
	}
	r.checkOwner(kmipCertificate, k.CertFile)
}

func (r *reader) dates(name string, c *x509.Certificate, so string) {
	r.with(name, func(of *config.Reader, title string) { of.Dates(title, c, so) })
}

// pemFault puts a fault of a PEM file into the words of this configuration.
func (r *reader) pemFault(name string, err error) {
	e, ok := errors.AsType[*pemkey.Error](err)
	if !ok {
		r.fault(name, err.Error(), "", err)
		return
	}
	cure := "Set it to a PEM file with the client's private key and the client's own certificate, and behind that those of the authorities between."
	if name == kmipCA {
		cure = "Set it to the certificate of the authority that signed the KMIP server's."
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		cure = "Put the file there, or correct the path."
	case errors.Is(err, fs.ErrPermission):
		cure = config.RightsCure(e.File)
	case errors.Is(err, pemkey.ErrNoPassword):
		cure = "Set " + both(kmipPassword) + ", or take the password off the key with openssl pkey."
	case errors.Is(err, pemkey.ErrWrongPassword):
		cure = "Correct " + both(kmipPassword) + "."
	case errors.Is(err, pemkey.ErrMismatch):
		cure = "Put the certificate that was made for the key in front of the others."
	case errors.Is(err, pemkey.ErrUnsupported):
		cure = "Convert the key."
	}
	r.fault(name, e.Error(), cure, err)
}

// rights warns of a configuration file that holds a secret for all to read, or that the
// database's user cannot read.
func (r *reader) rights(enabled bool) {
	if r.File == "" {
		return
	}
	mode, _ := config.ModeOf(r.File)
	for _, name := range []string{kmipPassword, awsSecret} {
		if s := r.set[name]; s.file == r.File && s.text != "" && mode&0o004 != 0 {
			r.warn(name, "everyone on this host can read the file it stands in; chmod o-r "+r.File)
		}
	}
	if enabled {
		r.checkOwner("", r.File)
	}
}

// checkOwner warns if the owner of the data directory, who mongod runs as, cannot read a
// file that the present user, root, can.
func (r *reader) checkOwner(name, file string) {
	info, err := os.Stat(r.DataDir)
	if err != nil {
		return
	}
	owner := info.Sys().(*syscall.Stat_t)
	if owner.Uid == 0 || int(owner.Uid) == os.Geteuid() {
		return
	}
	if at := config.Denied(file, owner.Uid, owner.Gid); at != "" {
		text := fmt.Sprintf("the owner of the data directory %s (user id %d) cannot read %s because of the rights of %s", r.DataDir, owner.Uid, file, at)
		if name == "" {
			r.Warn("", text)
			return
		}
		r.warn(name, text)
	}
}
