package datadir

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

// The files of a client, under the names of Percona's document.
const (
	ClientCertFile = "client_certificate.pem"
	ClientKeyFile  = "client_key.pem"
	RootCertFile   = "root_certificate.pem"
)

// SaveClient writes a client's three files into a folder. roots is what it knows the server by.
func SaveClient(dir string, pair pki.Pair, roots []*x509.Certificate) error {
	if err := pki.SaveCertificate(filepath.Join(dir, RootCertFile), roots...); err != nil {
		return err
	}
	return pair.Save(filepath.Join(dir, ClientCertFile), filepath.Join(dir, ClientKeyFile))
}

// ServerCertificate returns the server's certificate for these names (in the
// order of [pki.ServerNames]), and makes a new one when there is none, when it
// nears its end or when its names are others. The CA stays.
func (d *Dir) ServerCertificate(names []string, now time.Time) (*tls.Certificate, error) {
	pair, err := pki.Load(d.file(serverCertFile), d.file(serverKeyFile))
	var reason string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "there was none"
	case errors.Is(err, pki.ErrMismatch):
		reason = "it did not belong to its key; most likely a renewal was cut off"
	case err != nil:
		return nil, err
	default:
		reason = d.CA.RenewalReason(pair.Certificate, names, now)
	}
	if reason != "" {
		if pair, err = d.CA.IssueServer(names, now); err != nil {
			return nil, err
		}
		if err := pair.Save(d.file(serverCertFile), d.file(serverKeyFile)); err != nil {
			return nil, err
		}
		d.log.Info("made a certificate for the server", "reason", reason, "names", names, "valid_until", pair.Certificate.NotAfter.Format(time.RFC3339))
	}
	return &tls.Certificate{
		Certificate: [][]byte{pair.Certificate.Raw, d.CA.Certificate.Raw}, PrivateKey: pair.Key, Leaf: pair.Certificate,
	}, nil
}

// renewCA gives the CA a new certificate in time. The clients get it with their
// own next ones, which they need before the old CA's end: none outlives it.
func (d *Dir) renewCA(ca *pki.CA, now time.Time) (*pki.CA, error) {
	old := ca.Certificate.NotAfter
	if now.Add(pki.CARenewBefore).Before(old) {
		return ca, nil
	}
	ca, err := ca.Renew(now)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(d.file(AdminDir), RootCertFile)); err == nil {
		if err := pki.SaveCertificate(filepath.Join(d.file(AdminDir), RootCertFile), ca.Certificate); err != nil {
			return nil, err
		}
	}
	if err := pki.SaveCertificate(d.file(caCertFile), ca.Certificate); err != nil { // last: a crash before it repeats all
		return nil, err
	}
	d.log.Warn("renewed the CA's certificate. Clients that have the old one only are out at its end; they get the new one with: dbkeyring endpoint renew",
		"old_end", old.Format(time.RFC3339), "new_end", ca.Certificate.NotAfter.Format(time.RFC3339))
	return ca, nil
}

// RenewAdmin renews the administrator's certificate in the data directory when
// it nears its end, or when a renewal was cut off. One that was moved elsewhere,
// or removed, is left alone.
func (d *Dir) RenewAdmin(ctx context.Context, now time.Time) error {
	file := filepath.Join(d.file(AdminDir), ClientCertFile)
	old, err := pki.LoadCertificate(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	e, ok := d.Endpoints.Get(AdminName)
	if !ok || e.Removed != nil {
		return nil
	}
	_, err = pki.Load(file, filepath.Join(d.file(AdminDir), ClientKeyFile))
	ends := !now.Add(pki.RenewBefore).Before(old.NotAfter) && old.NotAfter.Before(d.CA.Certificate.NotAfter)
	if !ends && !errors.Is(err, pki.ErrMismatch) {
		return nil
	}
	pair, err := d.newClient(AdminName, now)
	if err != nil {
		return err
	}
	// Known before it is in the file: a crash in between leaves the old one in use.
	if _, err := d.Endpoints.Renew(ctx, AdminName, pair.Certificate, false); err != nil {
		return err
	}
	d.log.Info("renewed the administrator's certificate", "file", file, "valid_until", pair.Certificate.NotAfter.Format(time.RFC3339))
	return d.saveAdmin(pair)
}

// Ending is a certificate that ends soon, or has ended.
type Ending struct {
	What     string // "the CA", "endpoint db1"
	NotAfter time.Time
	Cure     string // what to do about it
}

// EndingSoon returns the certificates that end within pki.RenewBefore and that
// nobody renews by itself, and the revocation lists that are past their end.
func (d *Dir) EndingSoon(now time.Time) []Ending {
	var soon []Ending
	limit := now.Add(pki.RenewBefore)
	if end := d.CA.Certificate.NotAfter; end.Before(limit) {
		soon = append(soon, Ending{"the CA", end, "Restart the server, which renews it; then renew every endpoint"})
	}
	for _, e := range d.Endpoints.List() {
		if end := e.NotAfter(); e.Removed == nil && !end.IsZero() && end.Before(limit) {
			cure := "Renew it with: dbkeyring endpoint renew " + e.Name
			if last := e.Certificates[len(e.Certificates)-1]; last.CA != "" {
				cure = "Have its CA make another one, and run: dbkeyring endpoint accept --renew " + e.Name + " FILE"
			}
			soon = append(soon, Ending{"endpoint " + e.Name, end, cure})
		}
	}
	for _, ca := range d.Endpoints.CAs() {
		for _, i := range ca.Issuers {
			if i.NotAfter.Before(limit) {
				soon = append(soon, Ending{"the imported CA " + ca.Name, i.NotAfter, "Import the CA's next certificate with: dbkeyring ca import"})
			}
			if i.CRL != nil && !i.CRL.NextUpdate.IsZero() && i.CRL.NextUpdate.Before(now) {
				soon = append(soon, Ending{"the revocation list of the imported CA " + ca.Name, i.CRL.NextUpdate,
					"What it revokes stays so. Give the CA's next list with: dbkeyring ca crl " + ca.Name + " FILE"})
			}
		}
	}
	return soon
}
