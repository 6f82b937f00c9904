package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

// cure is the advice about an error of a connection where the options came from
// the command line; a configuration brings its own.
func cure(o backend.Options) func(error) string {
	return func(err error) string {
		var server *tlsconf.VerifyError
		var refused *tlsconf.RefusedError
		switch {
		case errors.As(err, &server) && server.Check == tlsconf.CheckHostname:
			return "give --server a name that is in the certificate (" + strings.Join(server.Names, ", ") + "), or restart the server with --san " + server.Host
		case errors.As(err, &server) && server.Check == tlsconf.CheckDates:
			return "renew the server's certificate, or correct this host's clock"
		case errors.As(err, &server):
			return "give --ca the certificate of " + server.Issuer + "; now it is " + o.ServerCAFile
		case errors.As(err, &refused) && refused.AboutCertificate():
			return "the server does not take " + o.ClientCertFile + ": it has expired, or was renewed or removed, or is another server's"
		case errors.Is(err, tlsconf.ErrNotTLS):
			return "give --server the KMIP port, usually " + defaultPort
		case errors.Is(err, syscall.ECONNREFUSED):
			return "start the server, or correct --server"
		}
		return ""
	}
}

// warnOfDates tells of a client's certificate that ends soon or is not valid.
func warnOfDates(p *process, file string, cert *x509.Certificate, now time.Time) {
	err := pemkey.CheckDates(cert, now)
	if err == nil && cert.NotAfter.Before(now.Add(pki.RenewBefore)) {
		err = fmt.Errorf("the certificate ends on %s", cert.NotAfter.Format(time.DateOnly))
	}
	if err != nil {
		fmt.Fprintf(p.stderr, "warning: %s: %v\n", file, err)
	}
}
