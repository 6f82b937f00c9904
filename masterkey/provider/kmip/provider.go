package kmip

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
)

// Provider talks to KMIP servers.
type Provider struct {
	o      Options
	client *kmipclient.Client
	log    *slog.Logger
}

var _ masterkey.Provider = (*Provider)(nil)

const defaultTimeout = 5 * time.Second

// New reads the certificates; it connects to nobody yet. A nil log logs nothing.
func New(o Options, log *slog.Logger) (*Provider, error) {
	const op = "set up the KMIP connection"
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	o.Attempts = max(o.Attempts, 1)
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	pair, err := pemkey.LoadPair(o.CertFile, o.CertFile, o.Password)
	if err != nil {
		return nil, keyring.E(op, keyring.ID{}, keyring.ErrInvalid, err)
	}
	pool, err := trusted(o.CAFile)
	if err != nil {
		return nil, keyring.E(op, keyring.ID{}, keyring.ErrInvalid, err)
	}
	t := tlsconf.NewClient(tlsconf.ClientOptions{Certificate: pair, ServerCA: pool})
	client, err := kmipclient.New(kmipclient.Options{Servers: o.Servers, Handshake: t.Handshake, Timeout: o.Timeout, ConnectTimeout: o.Timeout, Logger: log})
	if err != nil {
		return nil, keyring.E(op, keyring.ID{}, keyring.ErrInvalid, err)
	}
	return &Provider{o, client, log}, nil
}

// trusted are the system's certificates, and those of the file.
func trusted(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	switch {
	case err != nil && file == "":
		return nil, fmt.Errorf("the system's certificates cannot be read: %w", err)
	case file == "":
		return pool, nil
	case err != nil:
		pool = x509.NewCertPool()
	}
	certs, err := pemkey.LoadCertificates(file)
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// Name is masterkey.KMIP.
func (p *Provider) Name() string { return masterkey.KMIP }

// Close ends the connection.
func (p *Provider) Close() error { return p.client.Close() }
