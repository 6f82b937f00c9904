package mongod

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
)

// cure returns the advice about errors of connections for kmip.Options.Cure: it names
// the option to change and, at its end, where it stands.
func cure(where string, o kmip.Options) func(error) string {
	return func(err error) string {
		if advice := connectionCure(err, o); advice != "" {
			return advice + " " + where
		}
		return ""
	}
}

func connectionCure(err error, o kmip.Options) string {
	if e, ok := errors.AsType[*tlsconf.VerifyError](err); ok {
		advice := verifyCure(e, o)
		if e.Also != nil {
			advice += " " + verifyCure(e.Also, o)
		}
		return advice
	}
	if e, ok := errors.AsType[*tlsconf.RefusedError](err); ok {
		if e.AboutCertificate() {
			return "Put a certificate that the KMIP server accepts and that has not expired, with its key, into the file of " + both(kmipCertificate) + ", now " + o.CertFile + "."
		}
		return "Check that " + both(kmipPort) + " is the KMIP server's port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Correct " + both(kmipServer) + ", or this host's name resolution."
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, tlsconf.ErrNotTLS):
		return fmt.Sprintf("Set %s and %s to the KMIP server's, whose port is usually %d.", both(kmipServer), both(kmipPort), defaultPort)
	case errors.Is(err, tlsconf.ErrClosed):
		return "Look into the KMIP server's log: it may not accept the certificate of " + both(kmipCertificate) + ", now " + o.CertFile + "."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Start the KMIP server, or correct " + both(kmipServer) + " and " + both(kmipPort) + "."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "Correct " + both(kmipServer) + ", or the network."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Sprintf("Check that the KMIP server runs and that no firewall is in between, or raise %s, now %d, or %s, now %d.",
			both(kmipTimeout), o.Timeout.Milliseconds(), both(kmipRetries), o.Attempts-1)
	}
	return ""
}

func verifyCure(e *tlsconf.VerifyError, o kmip.Options) string {
	switch e.Check {
	case tlsconf.CheckHostname:
		s := "Have a certificate made for the KMIP server that names " + e.Host + "."
		if len(e.Names) > 0 {
			return "Set " + both(kmipServer) + " to a name in the certificate (" + strings.Join(e.Names, ", ") + "), or: " + s
		}
		return s
	case tlsconf.CheckDates:
		return "Renew the KMIP server's certificate, or correct this host's clock."
	case tlsconf.CheckUsage:
		return "Have a certificate made for the KMIP server that is for servers (serverAuth)."
	}
	if o.CAFile == "" {
		return "Set " + both(kmipCA) + " to a file with the certificate of " + e.Issuer + ", which this host does not trust."
	}
	return "Put the certificate of " + e.Issuer + " into the file of " + both(kmipCA) + ", now " + o.CAFile + "."
}
