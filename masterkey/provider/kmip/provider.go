package kmip

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// Provider talks to KMIP servers.
type Provider struct {
	o      Options
	client *kmipclient.Client
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
	return &Provider{o, client}, nil
}

// trusted are the system's certificates, and those of the file.
func trusted(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if file == "" {
		return pool, nil
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

// Read gets the key from the first server that has it.
func (p *Provider) Read(ctx context.Context, r masterkey.Ref) (*secret.Bytes, masterkey.Ref, error) {
	const op = "read the master key"
	answer, err := everywhere(ctx, p, func(ctx context.Context, c *kmipclient.Client) (*kmip.GetResponse, error) { return c.Get(ctx, r.ID) },
		func(g *kmip.GetResponse) { g.Object.Wipe() })
	if err != nil {
		return nil, r, p.fault(op, err)
	}
	defer answer.Object.Wipe()
	key, err := keyOf(answer)
	if err != nil {
		return nil, r, keyring.E(op, keyring.ID{}, keyring.ErrCorrupt, fmt.Errorf("the object %s: %w", r.ID, err))
	}
	return key, masterkey.Ref{Provider: masterkey.KMIP, ID: r.ID, Server: p.client.Status().Server}, nil
}

// State asks for the attribute of this name.
func (p *Provider) State(ctx context.Context, r masterkey.Ref) (masterkey.State, error) {
	const op = "ask for the state of the master key"
	answer, err := everywhere(ctx, p, func(ctx context.Context, c *kmipclient.Client) (*kmip.GetAttributesResponse, error) {
		return c.GetAttributes(ctx, r.ID, kmip.AttrState)
	}, func(*kmip.GetAttributesResponse) {})
	if err != nil {
		return "", p.fault(op, err)
	}
	state := answer.Attributes.State()
	if state == 0 {
		return "", keyring.E(op, keyring.ID{}, keyring.ErrUnreachable, fmt.Errorf("the server does not tell the state of the object %s", r.ID))
	}
	return masterkey.State(state.String()), nil
}

// template are the attributes of a new key: Percona Server for MongoDB's, and a Name, by
// which it is found again.
func template(marker string) kmip.Template {
	return kmip.Template{Attributes: kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, masterkey.Size*8),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
		kmip.NameAttribute(marker),
	}}
}

// Create registers a key, or has the server create one. If the answer is lost, the key is
// looked for before anybody says that there is none.
func (p *Provider) Create(ctx context.Context, marker string) (*secret.Bytes, masterkey.Ref, error) {
	const op = "make a master key"
	if p.o.ServerCreates {
		answer, err := attempt(ctx, p, func() (*kmip.CreateResponse, error) {
			return p.client.Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template(marker)})
		})
		if err != nil {
			return p.lost(ctx, op, marker, err)
		}
		return p.Read(ctx, masterkey.Ref{ID: answer.UniqueIdentifier})
	}
	key := secret.Random(masterkey.Size)
	answer, err := attempt(ctx, p, func() (*kmip.RegisterResponse, error) {
		req := &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: template(marker), Object: kmip.SymmetricKey(kmip.AlgorithmAES, key.Clone())}
		defer req.Object.Wipe()
		return p.client.Register(ctx, req)
	})
	if err != nil {
		key.Wipe()
		return p.lost(ctx, op, marker, err)
	}
	return key, masterkey.Ref{Provider: masterkey.KMIP, ID: answer.UniqueIdentifier, Server: p.client.Status().Server}, nil
}

// lost looks for what a request without an answer may have made.
func (p *Provider) lost(ctx context.Context, op, marker string, cause error) (*secret.Bytes, masterkey.Ref, error) {
	if !errors.Is(cause, kmipclient.ErrOutcomeUnknown) {
		return nil, masterkey.Ref{}, p.fault(op, cause)
	}
	ref, err := p.Find(ctx, marker)
	if err != nil {
		return nil, masterkey.Ref{}, p.fault(op, cause)
	}
	return p.Read(ctx, ref)
}

// Find looks for the Name.
func (p *Provider) Find(ctx context.Context, marker string) (masterkey.Ref, error) {
	id, err := everywhere(ctx, p, func(ctx context.Context, c *kmipclient.Client) (string, error) {
		answer, err := c.Locate(ctx, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute(marker)}})
		if err != nil {
			return "", err
		}
		if len(answer.UniqueIdentifiers) == 0 {
			return "", kmip.Errorf(kmip.ReasonItemNotFound, "there is no object of this name")
		}
		return answer.UniqueIdentifiers[0], nil
	}, func(string) {})
	if err != nil {
		return masterkey.Ref{}, p.fault("find the master key", err)
	}
	return masterkey.Ref{Provider: masterkey.KMIP, ID: id, Server: p.client.Status().Server}, nil
}

// Activate makes the key Active, unless it is.
func (p *Provider) Activate(ctx context.Context, r masterkey.Ref) error {
	state, err := p.State(ctx, r)
	if err != nil || state == masterkey.Active {
		return err
	}
	_, err = attempt(ctx, p, func() (*kmip.ActivateResponse, error) { return p.client.Activate(ctx, r.ID) })
	if errors.Is(err, kmipclient.ErrOutcomeUnknown) { // ask whether it was carried out
		if state, again := p.State(ctx, r); again == nil && state == masterkey.Active {
			return nil
		}
	}
	return p.fault("activate the master key", err)
}
