package endpoint

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// CABucket is the table of the foreign CAs in the store: name → record as JSON.
const CABucket store.Bucket = "client_ca"

// serialBase is that of Certificate.Serial.
const serialBase = 16

// The kinds of error of foreign CAs.
var (
	// ErrNoCA: there is no foreign CA of this name.
	ErrNoCA = errors.New("there is no imported CA of this name")
	// ErrCA: the CA, its revocation list, or the certificate cannot be taken.
	ErrCA = errors.New("refused")
	// ErrCAInUse: clients have certificates of the CA.
	ErrCAInUse = errors.New("clients have their certificates of it")
)

// CA is a foreign certificate authority: it signs certificates for clients, which get in
// once they are entered in the register. Alone its signature opens nothing.
type CA struct {
	Name      string     `json:"name"`
	Added     time.Time  `json:"added"`
	Issuers   []CAIssuer `json:"certificates"`
	Endpoints []string   `json:"endpoints,omitempty"` // whose certificates that count are of it
}

// CAIssuer is one of the CA's certificates.
type CAIssuer struct {
	Subject     string      `json:"subject"`
	Fingerprint Fingerprint `json:"fingerprint"`
	NotAfter    time.Time   `json:"not_after"`
	CRL         *CRL        `json:"crl,omitempty"` // nil: it has none
}

// CRL is a revocation list.
type CRL struct {
	Number     string    `json:"number,omitempty"`
	ThisUpdate time.Time `json:"this_update"`
	NextUpdate time.Time `json:"next_update"` // past it the list counts still, and is warned about
	Revoked    int       `json:"revoked"`
}

// caRecord is how a CA is kept.
type caRecord struct {
	Added   time.Time      `json:"added"`
	Issuers []issuerRecord `json:"issuers"`
}

type issuerRecord struct {
	Certificate []byte `json:"certificate"` // DER
	CRL         []byte `json:"crl,omitempty"`
}

// authority is a CA with its certificates and lists parsed. It never changes.
type authority struct {
	record caRecord
	certs  []*x509.Certificate
	lists  []*x509.RevocationList // of each certificate; nil: none
}

func parseAuthority(name string, record caRecord) (*authority, error) {
	a := &authority{record: record}
	for _, i := range record.Issuers {
		cert, err := x509.ParseCertificate(i.Certificate)
		if err != nil {
			return nil, fmt.Errorf("CA %s: %w", name, err)
		}
		var list *x509.RevocationList
		if i.CRL != nil {
			if list, err = x509.ParseRevocationList(i.CRL); err != nil {
				return nil, fmt.Errorf("CA %s: its revocation list: %w", name, err)
			}
		}
		a.certs, a.lists = append(a.certs, cert), append(a.lists, list)
	}
	return a, nil
}

// withCRL returns the record with another revocation list, of whichever certificate signed it.
func (a *authority) withCRL(data []byte) (caRecord, error) {
	record := a.record
	record.Issuers = slices.Clone(record.Issuers)
	var faults []error
	for i, cert := range a.certs {
		list, err := pki.ParseCRL(data, cert, a.lists[i])
		if err == nil {
			record.Issuers[i].CRL = list.Raw
			return record, nil
		}
		faults = append(faults, err)
	}
	return record, fmt.Errorf("%w: %w", ErrCA, errors.Join(faults...))
}

// refuses says why a certificate of the CA does not count: nil if it does.
func (a *authority) refuses(c Certificate) error {
	for i, cert := range a.certs {
		if FingerprintOf(cert) != c.Issuer {
			continue
		}
		if a.lists[i] == nil {
			return nil
		}
		serial, ok := new(big.Int).SetString(c.Serial, serialBase)
		if !ok {
			return ErrRemoved
		}
		return pki.CheckRevoked(serial, a.lists[i])
	}
	return ErrRemoved
}

// describe tells about a CA. The caller holds mu.
func (r *Registry) describe(name string, a *authority) CA {
	ca := CA{Name: name, Added: a.record.Added}
	for i, cert := range a.certs {
		issuer := CAIssuer{Subject: cert.Subject.String(), Fingerprint: FingerprintOf(cert), NotAfter: cert.NotAfter.UTC()}
		if list := a.lists[i]; list != nil {
			issuer.CRL = &CRL{ThisUpdate: list.ThisUpdate.UTC(), NextUpdate: list.NextUpdate.UTC(), Revoked: len(list.RevokedCertificateEntries)}
			if list.Number != nil {
				issuer.CRL.Number = list.Number.String()
			}
		}
		ca.Issuers = append(ca.Issuers, issuer)
	}
	for _, e := range r.byName {
		counts := func(c Certificate) bool { return c.CA == name && r.byCert[c.Fingerprint].gone == nil }
		if slices.ContainsFunc(e.Certificates, counts) {
			ca.Endpoints = append(ca.Endpoints, e.Name)
		}
	}
	slices.Sort(ca.Endpoints)
	return ca
}

// CAs returns the foreign CAs by name.
func (r *Registry) CAs() (all []CA) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(r.byCA)) {
		all = append(all, r.describe(name, r.byCA[name]))
	}
	return all
}

// ForeignCAs returns the certificates of all foreign CAs, and a number that changes when
// they do.
func (r *Registry) ForeignCAs() (certs []*x509.Certificate, version uint64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, a := range r.byCA {
		certs = append(certs, a.certs...)
	}
	return certs, r.caVersion
}

// ImportCA takes certificates (PEM) of a foreign CA, and its revocation list if crl is not
// nil. own is this server's CA. ErrCA, ErrName: see there.
func (r *Registry) ImportCA(ctx context.Context, name string, text, crl []byte, own *x509.Certificate) (CA, error) {
	r.change.Lock()
	defer r.change.Unlock()
	if !validName.MatchString(name) {
		return CA{}, fmt.Errorf("%w: %q: a CA's name is 1 to 64 of the characters A-Z a-z 0-9 . _ -", ErrCA, name)
	}
	if _, there := r.authority(name); there {
		return CA{}, fmt.Errorf("%w: there is a CA %s already", ErrCA, name)
	}
	certs, err := pki.ParseForeignCA(text, own, r.now())
	if err != nil {
		return CA{}, fmt.Errorf("%w: %w", ErrCA, err)
	}
	known, _ := r.ForeignCAs()
	record := caRecord{Added: r.now().UTC()}
	for _, cert := range certs {
		if slices.ContainsFunc(known, cert.Equal) {
			return CA{}, fmt.Errorf("%w: %s was imported before. See: dbkeyring ca list", ErrCA, cert.Subject)
		}
		record.Issuers = append(record.Issuers, issuerRecord{Certificate: cert.Raw})
	}
	a, err := parseAuthority(name, record)
	if err == nil && crl != nil {
		if record, err = a.withCRL(crl); err == nil {
			a, err = parseAuthority(name, record)
		}
	}
	if err != nil {
		return CA{}, err
	}
	return r.saveCA(ctx, name, a)
}

// SetCRL gives a foreign CA another revocation list (PEM or DER), which holds at once.
// ErrNoCA, ErrCA: see there.
func (r *Registry) SetCRL(ctx context.Context, name string, crl []byte) (CA, error) {
	r.change.Lock()
	defer r.change.Unlock()
	a, ok := r.authority(name)
	if !ok {
		return CA{}, fmt.Errorf("%s: %w", name, ErrNoCA)
	}
	record, err := a.withCRL(crl)
	if err != nil {
		return CA{}, err
	}
	if a, err = parseAuthority(name, record); err != nil {
		return CA{}, err
	}
	return r.saveCA(ctx, name, a)
}

// RemoveCA trusts a foreign CA no more, at once and on open connections too. ErrCAInUse:
// clients depend on it; force takes their access away. ErrNoCA: see there.
func (r *Registry) RemoveCA(ctx context.Context, name string, force bool) (CA, error) {
	r.change.Lock()
	defer r.change.Unlock()
	a, ok := r.authority(name)
	if !ok {
		return CA{}, fmt.Errorf("%s: %w", name, ErrNoCA)
	}
	r.mu.RLock()
	ca := r.describe(name, a)
	r.mu.RUnlock()
	if len(ca.Endpoints) > 0 && !force {
		return CA{}, fmt.Errorf("%s: %w: %s", name, ErrCAInUse, strings.Join(ca.Endpoints, ", "))
	}
	_, err := r.saveCA(ctx, name, nil)
	return ca, err
}

func (r *Registry) authority(name string) (*authority, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.byCA[name]
	return a, ok
}

// saveCA writes a CA, or deletes it when a is nil, and takes it into use. The caller holds
// change.
func (r *Registry) saveCA(ctx context.Context, name string, a *authority) (CA, error) {
	err := r.write(ctx, func(tx store.Writer) error {
		if a == nil {
			return tx.Delete(CABucket, name)
		}
		value, err := json.Marshal(a.record)
		if err != nil {
			return err
		}
		return tx.Put(CABucket, name, value)
	})
	if err != nil {
		return CA{}, fmt.Errorf("write CA %s: %w", name, err)
	}
	r.mu.RLock()
	byName, byCA := r.byName, maps.Clone(r.byCA)
	r.mu.RUnlock()
	if a == nil {
		delete(byCA, name)
	} else {
		byCA[name] = a
	}
	r.publish(byName, byCA)
	if a == nil {
		return CA{}, nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.describe(name, a), nil
}

// foreign returns what the register keeps of a certificate of a foreign CA, which has to
// have signed it itself. ErrCA, ErrExpired and [pki.ErrRevoked] say why it is not taken.
func (r *Registry) foreign(cert *x509.Certificate) (Certificate, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if h, ok := r.byCert[FingerprintOf(cert)]; ok {
		return Certificate{}, fmt.Errorf("%w: the certificate is, or was, that of endpoint %s. Have the CA make another one", ErrCA, h.identity.Name)
	}
	for name, a := range r.byCA {
		for _, issuer := range a.certs {
			if cert.CheckSignatureFrom(issuer) != nil {
				continue
			}
			roots := x509.NewCertPool()
			roots.AddCert(issuer)
			if _, err := cert.Verify(x509.VerifyOptions{
				Roots: roots, CurrentTime: r.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			}); err != nil {
				return Certificate{}, fmt.Errorf("%w: the certificate of CA %s is not good for a client: %w", ErrCA, name, err)
			}
			c := certificateOf(cert)
			c.CA, c.Issuer, c.Serial = name, FingerprintOf(issuer), cert.SerialNumber.Text(serialBase)
			if err := a.refuses(c); err != nil {
				return Certificate{}, fmt.Errorf("%w: CA %s: %w", ErrCA, name, err)
			}
			return c, nil
		}
	}
	return Certificate{}, fmt.Errorf("%w: the certificate is of %s, whose certificate was not imported. Run first: dbkeyring ca import", ErrCA, cert.Issuer)
}
