package admin

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

const casPath = "/cas"

// maxCA bounds a request with a CA's files: revocation lists of large companies have
// some megabytes.
const maxCA = 48 << 20

// CAImport asks to trust a foreign CA.
type CAImport struct {
	Name         string `json:"name"`
	Certificates []byte `json:"certificates"`  // PEM
	CRL          []byte `json:"crl,omitempty"` // PEM or DER; nil: none
}

// CRLRequest gives a foreign CA another revocation list.
type CRLRequest struct {
	Name string `json:"name"`
	CRL  []byte `json:"crl"` // PEM or DER
}

// CARemoval asks to trust a foreign CA no more.
type CARemoval struct {
	Name string `json:"name"`
	// Force takes the access of clients away that have certificates of the CA.
	Force bool `json:"force"`
}

// AcceptRequest enters a certificate that a foreign CA has signed.
type AcceptRequest struct {
	Name        string        `json:"name"`
	Certificate []byte        `json:"certificate"` // DER
	Role        endpoint.Role `json:"role,omitempty"`
	Group       string        `json:"group,omitempty"`
	Reclaim     bool          `json:"reclaim"`
	// Renew: the endpoint is there, and gets another certificate; CutOld ends the old ones.
	Renew  bool `json:"renew"`
	CutOld bool `json:"cut_old"`
}

// CAs implements [Service].
func (l *Local) CAs(context.Context) ([]endpoint.CA, error) { return l.Dir.Endpoints.CAs(), nil }

// ImportCA implements [Service].
func (l *Local) ImportCA(ctx context.Context, r CAImport) (ca endpoint.CA, err error) {
	entry := audit.Entry{Op: "CA Import", Names: []string{r.Name}}
	err = l.record(entry, func() error {
		ca, err = l.Dir.Endpoints.ImportCA(ctx, r.Name, r.Certificates, r.CRL, l.Dir.CA.Certificate)
		return err
	})
	return ca, err
}

// SetCRL implements [Service].
func (l *Local) SetCRL(ctx context.Context, r CRLRequest) (ca endpoint.CA, err error) {
	err = l.audited("CA CRL", r.Name, func() error {
		ca, err = l.Dir.Endpoints.SetCRL(ctx, r.Name, r.CRL)
		return err
	})
	return ca, err
}

// RemoveCA implements [Service].
func (l *Local) RemoveCA(ctx context.Context, r CARemoval) (ca endpoint.CA, err error) {
	err = l.audited("CA Remove", r.Name, func() error {
		ca, err = l.Dir.Endpoints.RemoveCA(ctx, r.Name, r.Force)
		return err
	})
	return ca, err
}

// Accept implements [Service].
func (l *Local) Accept(ctx context.Context, r AcceptRequest) (e endpoint.Endpoint, err error) {
	op := "Endpoint Accept"
	if r.Reclaim {
		op = "Endpoint Reclaim"
	}
	err = l.audited(op, r.Name, func() error {
		cert, err := x509.ParseCertificate(r.Certificate)
		if err != nil {
			return fmt.Errorf("the certificate: %w", err)
		}
		if r.Renew {
			e, err = l.Dir.Endpoints.RenewForeign(ctx, r.Name, cert, r.CutOld)
		} else {
			e, err = l.Dir.Endpoints.Add(ctx, r.Name, cert, endpoint.Options{Role: r.Role, Group: r.Group, Reclaim: r.Reclaim, Foreign: true})
		}
		return err
	})
	return e, err
}

// CAs implements [Service].
func (c *Client) CAs(ctx context.Context) (all []endpoint.CA, err error) {
	err = c.ask(ctx, "GET", casPath, nil, &all)
	return all, err
}

// ImportCA implements [Service].
func (c *Client) ImportCA(ctx context.Context, r CAImport) (ca endpoint.CA, err error) {
	err = c.ask(ctx, "POST", casPath, r, &ca)
	return ca, err
}

// SetCRL implements [Service].
func (c *Client) SetCRL(ctx context.Context, r CRLRequest) (ca endpoint.CA, err error) {
	err = c.ask(ctx, "POST", casPath+"/crl", r, &ca)
	return ca, err
}

// RemoveCA implements [Service].
func (c *Client) RemoveCA(ctx context.Context, r CARemoval) (ca endpoint.CA, err error) {
	err = c.ask(ctx, "POST", casPath+"/remove", r, &ca)
	return ca, err
}

// Accept implements [Service].
func (c *Client) Accept(ctx context.Context, r AcceptRequest) (e endpoint.Endpoint, err error) {
	err = c.ask(ctx, "POST", "/endpoints/accept", r, &e)
	return e, err
}

// serveCAs adds what is asked about foreign CAs.
func (l *Local) serveCAs(mux *http.ServeMux) {
	mux.HandleFunc("GET "+casPath, func(w http.ResponseWriter, r *http.Request) { answer(w)(l.CAs(r.Context())) })
	mux.HandleFunc("POST "+casPath, func(w http.ResponseWriter, r *http.Request) {
		var a CAImport
		if readUpTo(w, r, maxCA, &a) {
			answer(w)(l.ImportCA(r.Context(), a))
		}
	})
	mux.HandleFunc("POST "+casPath+"/crl", func(w http.ResponseWriter, r *http.Request) {
		var a CRLRequest
		if readUpTo(w, r, maxCA, &a) {
			answer(w)(l.SetCRL(r.Context(), a))
		}
	})
	mux.HandleFunc("POST "+casPath+"/remove", func(w http.ResponseWriter, r *http.Request) {
		var a CARemoval
		if read(w, r, &a) {
			answer(w)(l.RemoveCA(r.Context(), a))
		}
	})
	mux.HandleFunc("POST /endpoints/accept", func(w http.ResponseWriter, r *http.Request) {
		var a AcceptRequest
		if read(w, r, &a) {
			answer(w)(l.Accept(r.Context(), a))
		}
	})
}
