package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/dbkeyring/dbkeyring/secret"
)

// ServerFiles names the PEM files of a server certificate that another CA has signed:
// the certificate and the intermediate ones after it, its key, and the CA's own.
type ServerFiles struct{ Cert, Key, CA string }

// Given is what lies in [ServerFiles].
type Given struct {
	Certificate *tls.Certificate
	// Roots is what clients know the server by.
	Roots []*x509.Certificate
}

// Load reads the files. A client that has the CA must be able to verify the server with what
// is there: else, as while the files are being replaced, it is an error that says why.
func (f ServerFiles) Load(now time.Time) (Given, error) {
	roots, err := LoadCertificates(f.CA)
	if err != nil {
		return Given{}, err
	}
	chain, err := os.ReadFile(f.Cert)
	if err != nil {
		return Given{}, err
	}
	info, err := os.Stat(f.Key)
	if err != nil {
		return Given{}, err
	}
	if mode := info.Mode().Perm(); mode&0o037 != 0 { // a group that reads it is how companies hand out keys
		return Given{}, fmt.Errorf("the private key %s can be read or changed by others (mode %#o). Run: chmod 640 %s", f.Key, mode, f.Key)
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return Given{}, err
	}
	defer secret.Wipe(key)
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return Given{}, fmt.Errorf("%s and %s: %w", f.Cert, f.Key, err)
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, CurrentTime: now,
	}
	for _, root := range roots {
		options.Roots.AddCert(root)
	}
	for _, der := range pair.Certificate[1:] {
		between, err := x509.ParseCertificate(der)
		if err != nil {
			return Given{}, fmt.Errorf("%s: %w", f.Cert, err)
		}
		options.Intermediates.AddCert(between)
	}
	if _, err := pair.Leaf.Verify(options); err != nil {
		return Given{}, fmt.Errorf("%s cannot be verified with %s: %w", f.Cert, f.CA, err)
	}
	if len(NamesOf(pair.Leaf)) == 0 {
		return Given{}, fmt.Errorf("%s names no host and no address in its Subject Alternative Name", f.Cert)
	}
	return Given{Certificate: &pair, Roots: roots}, nil
}

// Stamp changes when one of the files does. A file that is not there has one, too.
func (f ServerFiles) Stamp() string { return Stamp(f.Cert, f.Key, f.CA) }

// Stamp changes when one of the files does: in its place, its size or its time.
func Stamp(files ...string) (stamp string) {
	for _, name := range files {
		info, err := os.Stat(name)
		switch {
		case err == nil:
			stamp += fmt.Sprintf("%d %d %#o;", info.Size(), info.ModTime().UnixNano(), info.Mode())
		case errors.Is(err, fs.ErrNotExist):
			stamp += "none;"
		default:
			stamp += err.Error() + ";"
		}
	}
	return stamp
}

// LoadCertificates reads all certificates of a PEM file; one at least.
func LoadCertificates(file string) (all []*x509.Certificate, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s has a PEM block %q. Only certificates belong there", file, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, cert)
	}
	if all == nil {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return all, nil
}
