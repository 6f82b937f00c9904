package awskms

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// defaultTimeout is that of Options.Timeout.
const defaultTimeout = 5 * time.Second

// Client talks to AWS KMS. It is for many goroutines at once. Every error of its
// methods is an *[Error].
type Client struct {
	o       Options
	timeout time.Duration
	config  aws.Config
	http    *transport
	idle    interface{ CloseIdleConnections() } // nil with a test's transport
	creds   aws.CredentialsProvider
	chain   *chain // nil if Options gives the credentials
	hint    string // about files that could not be looked for
	end     context.CancelFunc
	life    context.Context

	mu      sync.Mutex
	regions map[string]*kms.Client
}

// New returns a client. It uses no network, but for the default chain's files it
// reads; what is wrong with those is an error.
func New(ctx context.Context, o Options) (*Client, error) {
	c, err := newClient(ctx, o)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Class: Usage, Message: err.Error(), Err: err}
		}
		return nil, cured(o, e)
	}
	return c, nil
}

func newClient(ctx context.Context, o Options) (*Client, error) {
	c := &Client{o: o, timeout: o.Timeout, regions: map[string]*kms.Client{}}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if err := checkEndpoint(o); err != nil {
		return nil, err
	}
	proxy, err := proxyOf(o.Proxy)
	if err != nil {
		return nil, err
	}
	if o.Credentials == nil {
		if c.hint, err = checkFiles(); err != nil {
			return nil, err
		}
	}
	c.life, c.end = context.WithCancel(context.Background())
	l := &loader{o: o, life: c.life, timeout: c.timeout, proxy: proxy}
	if c.config, err = l.load(ctx); err != nil {
		c.end()
		return nil, err
	}
	if c.creds = nil; o.Credentials != nil {
		c.creds = given(o.Credentials)
	} else {
		c.chain = &chain{loader: l, creds: c.config.Credentials}
		c.creds = c.chain
	}
	next := o.transport
	if next == nil {
		t := newTransport(&dialer{proxy: proxy, roots: rootsOf(c.config), timeout: c.timeout, life: c.life})
		c.idle, next = t, t
	}
	c.http = &transport{next: next, requests: map[string]int64{}}
	return c, nil
}

func checkEndpoint(o Options) error {
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the endpoint %q is not a URL such as https://vpce-1.kms.eu-central-1.vpce.amazonaws.com", o.Endpoint)
	}
	if o.FIPS {
		return errors.New("an endpoint of its own and FIPS exclude each other: give the URL of a FIPS endpoint, and no FIPS")
	}
	return nil
}

// rootsOf are the certificates of AWS_CA_BUNDLE, or of a profile's ca_bundle.
func rootsOf(cfg aws.Config) *x509.CertPool {
	var t *http.Transport
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		t = b.GetTransport()
	}
	if t == nil || t.TLSClientConfig == nil {
		return nil
	}
	return t.TLSClientConfig.RootCAs
}

// Close closes idle connections, and ends what is still asked.
func (c *Client) Close() error {
	c.end()
	if c.idle != nil {
		c.idle.CloseIdleConnections()
	}
	return nil
}

// Region is the region of keys that are not given as ARNs.
func (c *Client) Region() string { return c.config.Region }

// Requests counts the requests that were sent since New, retries included, by operation.
func (c *Client) Requests() map[string]int64 {
	c.http.mu.Lock()
	defer c.http.mu.Unlock()
	return maps.Clone(c.http.requests)
}

// regionFor is the region in which a key is asked for.
func (c *Client) regionFor(keyID string) string { return cmp.Or(regionOf(keyID), c.config.Region) }

// of returns the SDK's client for the region of a key.
func (c *Client) of(keyID string) (*kms.Client, error) {
	region := c.regionFor(keyID)
	if region == "" {
		return nil, c.noRegion()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	api := c.regions[region]
	if api == nil {
		api = kms.NewFromConfig(c.config, func(o *kms.Options) {
			o.Region = region
			o.HTTPClient = c.http
			o.Credentials = c.creds
			o.HTTPSignerV4 = &signer{}
			o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0 // we do it ourselves
			o.Protocol = protocol{o.Protocol}
			if c.o.Endpoint != "" {
				o.BaseEndpoint = aws.String(c.o.Endpoint)
			}
		})
		c.regions[region] = api
	}
	return api, nil
}

func (c *Client) noRegion() error {
	e := &Error{Class: Usage, Message: "no AWS region is set", Err: errNoRegion,
		Cure: "Set the region in the configuration or in AWS_REGION, or name the KMS key by its ARN"}
	if c.hint != "" {
		e.Message += " (" + c.hint + ")"
	}
	return e
}

var errNoRegion = errors.New("no region")
