package percona

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
)

// cure returns the advice about errors of connections for kmip.Options.Cure: it
// names the option to change and the file that it stands in.
func cure(file string, o kmip.Options) func(error) string {
	return func(err error) string {
		if advice := connectionCure(err, o); advice != "" {
			return advice + " The options are in " + file + "."
		}
		return ""
	}
}

func connectionCure(err error, o kmip.Options) string {
	if e, ok := errors.AsType[*kmip.StartTimeoutError](err); ok {
		return fmt.Sprintf("Look at the key server's load, or raise start_timeout_ms (now %d).", e.Limit.Milliseconds())
	}
	if e, ok := errors.AsType[*tlsconf.VerifyError](err); ok {
		advice := verifyCure(e, o)
		if e.Also != nil {
			advice += " " + verifyCure(e.Also, o)
		}
		return advice
	}
	if e, ok := errors.AsType[*tlsconf.RefusedError](err); ok {
		if e.AboutCertificate() {
			return "Set client_ca (now " + o.ClientCertFile + ") and client_key to a certificate that the key server accepts and that has not expired."
		}
		return "Check that server_port is the key server's KMIP port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Correct server_addr, or this host's name resolution."
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, tlsconf.ErrNotTLS):
		return "Set server_addr and server_port to the key server's KMIP port, usually 5696."
	case errors.Is(err, tlsconf.ErrClosed):
		return "Look into the key server's log: it may not accept the certificate in client_ca (" + o.ClientCertFile + ")."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Start the key server, or correct server_addr and server_port."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "Correct server_addr, or the network."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Sprintf("Check that the key server runs and that no firewall is in between, or raise kmip_timeout_ms (now %d).", o.Timeout.Milliseconds())
	}
	return ""
}

func verifyCure(e *tlsconf.VerifyError, o kmip.Options) string {
	const off = ` or, giving up the protection, set "tls_peer_verification": false.`
	switch e.Check {
	case tlsconf.CheckHostname:
		s := fmt.Sprintf(`have a certificate made for the key server that names %s, or set "tls_hostname_verification": false.`, e.Host)
		if len(e.Names) > 0 {
			return "Set server_addr to a name in the certificate (" + strings.Join(e.Names, ", ") + "), " + s
		}
		return strings.ToUpper(s[:1]) + s[1:]
	case tlsconf.CheckDates:
		return "Renew the certificate, correct this host's clock," + off
	case tlsconf.CheckUsage:
		return "Have a certificate made for the key server that is for servers (serverAuth)," + off
	}
	return fmt.Sprintf("Set server_ca (now %s) to the certificate of %s,%s", o.ServerCAFile, e.Issuer, off)
}
