package datadir

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

// Roots returns what clients know the server by: the CA, and after it that of the
// certificate that the server was given.
func (d *Dir) Roots() ([]*x509.Certificate, error) {
	given, err := pki.LoadCertificates(d.file(serverCAFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return append([]*x509.Certificate{d.CA.Certificate}, given...), err
}

// KeepServerCA keeps the CA of the certificate that the server was given for those who are
// enrolled from now on, and for the administrator. Nil: it was given none.
func (d *Dir) KeepServerCA(given []*x509.Certificate) error {
	var err error
	if given == nil {
		if err = os.Remove(d.file(serverCAFile)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else if old, e := pki.LoadCertificates(d.file(serverCAFile)); e != nil || !slices.EqualFunc(old, given, (*x509.Certificate).Equal) {
		err = pki.SaveCertificate(d.file(serverCAFile), given...)
	}
	if err != nil {
		return err
	}
	roots := append([]*x509.Certificate{d.CA.Certificate}, given...)
	file := filepath.Join(d.file(AdminDir), RootCertFile)
	old, err := pki.LoadCertificates(file)
	if errors.Is(err, fs.ErrNotExist) { // the administrator's identity was moved elsewhere
		return nil
	}
	if err == nil && slices.EqualFunc(old, roots, (*x509.Certificate).Equal) {
		return nil
	}
	return pki.SaveCertificate(file, roots...)
}
