// Package admin is how the key server is administrated on its own machine: the
// endpoints and its status, over HTTP and JSON on a Unix socket in the data
// directory, which only the directory's owner may open.
//
// [Service] is what can be asked. [Local] answers it on an open data directory,
// [Client] passes it on to a running server; a command does not see which.
package admin

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/secret"
)

// AddRequest asks for a new endpoint. The private key stays with the asker.
type AddRequest struct {
	Name      string        `json:"name"`
	PublicKey []byte        `json:"public_key"`      // PKIX, DER
	Life      time.Duration `json:"life"`            // of the certificate, in nanoseconds
	Role      endpoint.Role `json:"role,omitempty"`  // "": owner
	Group     string        `json:"group,omitempty"` // "": a group of itself
	// Reclaim takes up the name of a removed endpoint, and its keys with it.
	Reclaim bool `json:"reclaim"`
}

// RenewRequest asks for another certificate for an endpoint.
type RenewRequest struct {
	Name      string        `json:"name"`
	PublicKey []byte        `json:"public_key"`
	Life      time.Duration `json:"life"`
	// CutOld ends the old certificates now and not at their own end.
	CutOld bool `json:"cut_old"`
}

// LimitRequest asks for other limits of an endpoint.
type LimitRequest struct {
	Name   string          `json:"name"`
	Limits endpoint.Limits `json:"limits"`
}

// Issued is the answer to both: the certificates in DER.
type Issued struct {
	Endpoint    endpoint.Endpoint `json:"endpoint"`
	Certificate []byte            `json:"certificate"`
	CA          []byte            `json:"ca"` // first that of this server; then those of a certificate that it was given
}

// Status describes a server.
type Status struct {
	Running     bool      `json:"running"`
	Address     string    `json:"address,omitempty"`         // that it listens on
	HTTPS       string    `json:"https_address,omitempty"`   // for KMIP over HTTPS; empty: none
	Metrics     string    `json:"metrics_address,omitempty"` // for /metrics and /healthz; empty: none
	Started     time.Time `json:"started,omitzero"`
	ServerNames []string  `json:"server_names,omitempty"` // in the server's certificate
	ServerUntil time.Time `json:"server_certificate_until,omitzero"`
	CAUntil     time.Time `json:"ca_certificate_until"`
	Endpoints   int       `json:"endpoints"` // that were not removed
}

// Service administrates a key server. The errors are those of package endpoint.
type Service interface {
	Add(ctx context.Context, r AddRequest) (Issued, error)
	Renew(ctx context.Context, r RenewRequest) (Issued, error)
	Remove(ctx context.Context, name string) (endpoint.Endpoint, error)
	// Limit gives an endpoint other limits.
	Limit(ctx context.Context, r LimitRequest) (endpoint.Endpoint, error)
	List(ctx context.Context) ([]endpoint.Endpoint, error)
	// Accept enters a certificate that a foreign CA has signed.
	Accept(ctx context.Context, r AcceptRequest) (endpoint.Endpoint, error)
	// CAs lists the foreign CAs; ImportCA, SetCRL and RemoveCA change them.
	CAs(ctx context.Context) ([]endpoint.CA, error)
	ImportCA(ctx context.Context, r CAImport) (endpoint.CA, error)
	SetCRL(ctx context.Context, r CRLRequest) (endpoint.CA, error)
	RemoveCA(ctx context.Context, r CARemoval) (endpoint.CA, error)
	Status(ctx context.Context) (Status, error)
	// AuditHeads returns the places in the audit log that the server has kept elsewhere,
	// its present end included.
	AuditHeads(ctx context.Context) ([]audit.Head, error)
	// RootKey tells the root key.
	RootKey(ctx context.Context) (datadir.RootKey, error)
	// RotateRootKey changes it, see [datadir.Dir.RotateRootKey].
	RotateRootKey(ctx context.Context, r RotateRequest) (Rotated, error)
	// UsedBy tells who used an object. keyserver.ErrNoObject: there is none.
	UsedBy(ctx context.Context, id string) (keyserver.UsedBy, error)
	// Backup writes the content of a backup to w, see [datadir.Dir.Backup].
	Backup(ctx context.Context, w io.Writer, key *secret.Bytes) (datadir.BackupSummary, error)
}

// Local is the Service of an open data directory.
type Local struct {
	Dir *datadir.Dir
	// Running describes the server, if one runs in this process.
	Running func() Status
	// Keys is that server; nil: the objects are read when somebody asks for one.
	Keys *keyserver.Server

	backup  sync.Mutex // one at a time: each takes room on the disk
	reading sync.Mutex // guards Keys
}

var (
	_ Service = (*Local)(nil)
	_ Service = (*Client)(nil)
)

// Add implements [Service].
func (l *Local) Add(ctx context.Context, r AddRequest) (issued Issued, err error) {
	o := endpoint.Options{Role: r.Role, Group: r.Group, Reclaim: r.Reclaim}
	if err := l.Dir.Endpoints.CheckAdd(r.Name, o); err != nil { // before anything is signed
		return Issued{}, err
	}
	op := "Endpoint Add"
	if r.Reclaim {
		op = "Endpoint Reclaim"
	}
	return l.issue(op, r.Name, r.PublicKey, r.Life, func(cert *x509.Certificate) (endpoint.Endpoint, error) {
		return l.Dir.Endpoints.Add(ctx, r.Name, cert, o)
	})
}

// Renew implements [Service].
func (l *Local) Renew(ctx context.Context, r RenewRequest) (Issued, error) {
	if e, ok := l.Dir.Endpoints.Get(r.Name); !ok || e.Removed != nil {
		return Issued{}, fmt.Errorf("%s: %w", r.Name, endpoint.ErrNotFound)
	}
	return l.issue("Endpoint Renew", r.Name, r.PublicKey, r.Life, func(cert *x509.Certificate) (endpoint.Endpoint, error) {
		return l.Dir.Endpoints.Renew(ctx, r.Name, cert, r.CutOld)
	})
}

// issue signs a certificate and enters it.
func (l *Local) issue(op, name string, public []byte, life time.Duration, enter func(*x509.Certificate) (endpoint.Endpoint, error)) (issued Issued, err error) {
	err = l.audited(op, name, func() error {
		key, err := x509.ParsePKIXPublicKey(public)
		if err != nil {
			return errors.New("the public key is no PKIX key") // what asn1 says helps nobody
		}
		roots, err := l.Dir.Roots()
		if err != nil {
			return err
		}
		cert, err := l.Dir.CA.IssueClient(name, key, life, time.Now())
		if err != nil {
			return err
		}
		e, err := enter(cert)
		issued = Issued{Endpoint: e, Certificate: cert.Raw}
		for _, root := range roots {
			issued.CA = append(issued.CA, root.Raw...)
		}
		return err
	})
	return issued, err
}

// Remove implements [Service].
func (l *Local) Remove(ctx context.Context, name string) (e endpoint.Endpoint, err error) {
	err = l.audited("Endpoint Remove", name, func() error {
		e, err = l.Dir.Endpoints.Remove(ctx, name)
		return err
	})
	return e, err
}

// Limit implements [Service].
func (l *Local) Limit(ctx context.Context, r LimitRequest) (e endpoint.Endpoint, err error) {
	err = l.record(audit.Entry{Op: "Endpoint Limit", Names: []string{r.Name}, Reason: r.Limits.String()}, func() error {
		e, err = l.Dir.Endpoints.SetLimits(ctx, r.Name, r.Limits)
		return err
	})
	return e, err
}

// audited makes a change of an endpoint and enters it into the audit log.
func (l *Local) audited(op, name string, change func() error) error {
	return l.record(audit.Entry{Op: op, Names: []string{name}}, change)
}

// record does what the entry says, and enters it into the audit log.
func (l *Local) record(entry audit.Entry, change func() error) error {
	if err := l.Dir.Audit.Ready(); err != nil {
		return fmt.Errorf("refused, since it could not be logged: %w", err)
	}
	began := time.Now()
	err := change()
	entry.Time, entry.Endpoint, entry.Result, entry.Latency, entry.Change = began, "local", audit.Success, time.Since(began), true
	if err != nil {
		entry.Result, entry.Reason = audit.Failure, err.Error()
	}
	_ = l.Dir.Audit.Record(entry) // has logged its own failure
	return err
}

// List implements [Service].
func (l *Local) List(context.Context) ([]endpoint.Endpoint, error) {
	return l.Dir.Endpoints.List(), nil
}

// Status implements [Service].
func (l *Local) Status(context.Context) (Status, error) {
	var s Status
	if l.Running != nil {
		s = l.Running()
	}
	s.CAUntil = l.Dir.CA.Certificate.NotAfter
	for _, e := range l.Dir.Endpoints.List() {
		if e.Removed == nil {
			s.Endpoints++
		}
	}
	return s, nil
}

// AuditHeads implements [Service].
func (l *Local) AuditHeads(ctx context.Context) ([]audit.Head, error) {
	if err := l.Dir.KeepAuditHead(ctx); err != nil {
		return nil, err
	}
	return l.Dir.AuditHeads()
}

// Connect returns the service for a data directory: the running server's if one
// answers on its socket, else one on the directory itself. done ends the use.
func Connect(ctx context.Context, dir string, open func() (*datadir.Dir, error)) (s Service, done func() error, err error) {
	client := NewClient(dir)
	_, err = client.Status(ctx)
	if err == nil {
		return client, client.Close, nil
	}
	if !errors.Is(err, ErrNotRunning) {
		return nil, nil, errors.Join(err, client.Close())
	}
	_ = client.Close() // has no connection
	d, err := open()
	if err != nil {
		return nil, nil, err
	}
	return &Local{Dir: d}, d.Close, nil
}

// parse reads the certificates.
func (i Issued) parse() (cert *x509.Certificate, roots []*x509.Certificate, err error) {
	if cert, err = x509.ParseCertificate(i.Certificate); err != nil {
		return nil, nil, fmt.Errorf("the certificate that was issued: %w", err)
	}
	if roots, err = x509.ParseCertificates(i.CA); err != nil {
		return nil, nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	if len(roots) == 0 {
		return nil, nil, errors.New("the CA's certificate is missing in the server's answer")
	}
	return cert, roots, nil
}

// Enrol has a key signed by ask, and returns what the client needs. The first of roots is
// the CA that signed.
func Enrol(key crypto.Signer, ask func(public []byte) (Issued, error)) (pair pki.Pair, roots []*x509.Certificate, e endpoint.Endpoint, err error) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pki.Pair{}, nil, e, err
	}
	issued, err := ask(public)
	if err != nil {
		return pki.Pair{}, nil, e, err
	}
	cert, roots, err := issued.parse()
	return pki.Pair{Certificate: cert, Key: key}, roots, issued.Endpoint, err
}
