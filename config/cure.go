package config

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

// CureWords are how a configuration with a folder ssl calls what a cure names.
type CureWords struct {
	File           string // the configuration file
	Servers        string // such as "SERVER and STANDBY_SERVER"
	ConnectTimeout string // the option for Options.ConnectTimeout
	StartTimeout   string // that for Options.StartTimeout
	NoHostname     string // the line that gives up the verification of names
}

// Cure returns the advice about errors of connections for kmip.Options.Cure.
func (w CureWords) Cure(o kmip.Options) func(error) string {
	return func(err error) string {
		if advice := w.advice(err, o); advice != "" {
			return advice + " The options are in " + w.File + "."
		}
		return ""
	}
}

func (w CureWords) advice(err error, o kmip.Options) string {
	if e, ok := errors.AsType[*kmip.StartTimeoutError](err); ok {
		return fmt.Sprintf("Look at the key server's load, or raise %s (now %d).", w.StartTimeout, e.Limit.Milliseconds())
	}
	if e, ok := errors.AsType[*tlsconf.VerifyError](err); ok {
		advice := w.verify(e, o)
		if e.Also != nil {
			advice += " " + w.verify(e.Also, o)
		}
		return advice
	}
	if e, ok := errors.AsType[*tlsconf.RefusedError](err); ok {
		if e.AboutCertificate() {
			return "Put a certificate that the key server accepts and that has not expired into " + o.ClientCertFile + ", and its key into " + o.ClientKeyFile + "."
		}
		return "Check that the port is the key server's KMIP port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "Correct " + w.Servers + ", or this host's name resolution."
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, tlsconf.ErrNotTLS):
		return "Correct " + w.Servers + ": the port is the key server's KMIP port, usually 5696."
	case errors.Is(err, tlsconf.ErrClosed):
		return "Look into the key server's log: it may not accept the certificate in " + o.ClientCertFile + "."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Start the key server, or correct " + w.Servers + "."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "Correct " + w.Servers + ", or the network."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Sprintf("Check that the key server runs and that no firewall is in between, or raise %s (now %d).", w.ConnectTimeout, o.ConnectTimeout.Milliseconds())
	}
	return ""
}

func (w CureWords) verify(e *tlsconf.VerifyError, o kmip.Options) string {
	switch e.Check {
	case tlsconf.CheckHostname:
		s := "Have a certificate made for the key server that names " + e.Host + ", or write " + w.NoHostname + " if nobody else has a certificate of that authority that is good for servers."
		if len(e.Names) > 0 {
			return "Write a name in the certificate (" + strings.Join(e.Names, ", ") + ") into " + w.Servers + ". " + s
		}
		return s
	case tlsconf.CheckDates:
		return "Renew the key server's certificate, or correct this host's clock."
	case tlsconf.CheckUsage:
		return "Have a certificate made for the key server that is for servers (serverAuth)."
	}
	return "Put the certificate of " + e.Issuer + " into " + o.ServerCAFile + "."
}
