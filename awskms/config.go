package awskms

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// loader reads the SDK's configuration: at the start, and again when AWS no longer takes the
// credentials, which somebody may have replaced.
type loader struct {
	o       Options
	life    context.Context
	timeout time.Duration
	proxy   func(*http.Request) (*url.URL, error)
}

func (l *loader) load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, l.options()...)
	if err != nil {
		return cfg, &Error{Class: Usage, Message: "the AWS configuration: " + plain(err), Err: err}
	}
	return cfg, nil
}

func (l *loader) options() []func(*config.LoadOptions) error {
	with := []func(*config.LoadOptions) error{
		config.WithHTTPClient(l.httpClient()),
		config.WithLogger(logging.Nop{}), // else the SDK writes to the database's standard error
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithDefaultsMode(aws.DefaultsModeLegacy), // "auto" would ask the network
		config.WithAPIOptions([]func(*middleware.Stack) error{l.bound}),
		config.WithProcessCredentialOptions(func(o *processcreds.Options) { o.Timeout = l.timeout }),
	}
	if l.o.Region != "" {
		with = append(with, config.WithRegion(l.o.Region))
	}
	if l.o.FIPS {
		with = append(with, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	if l.o.Credentials != nil {
		with = append(with, config.WithCredentialsProvider(given(l.o.Credentials)))
	}
	return with
}

// httpClient is for what gives credentials: STS, SSO, the machine's metadata. It keeps no
// connections.
func (l *loader) httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithTimeout(l.timeout).
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = l.timeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.Proxy, t.DisableKeepAlives, t.TLSHandshakeTimeout = l.proxy, true, l.timeout
			t.ForceAttemptHTTP2 = false
		})
}

// bound ends a request with the client. The SDK asks for credentials with a context
// that has no end, and goes on when nobody waits for them.
func (l *loader) bound(s *middleware.Stack) error {
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("dbkeyringBound",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			ctx, cancel := context.WithTimeout(ctx, l.timeout)
			defer cancel()
			defer context.AfterFunc(l.life, cancel)()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// proxyOf is the proxy of a request. What a machine says of itself at a link-local
// address is never asked through one.
func proxyOf(text string) (func(*http.Request) (*url.URL, error), error) {
	choose := http.ProxyFromEnvironment
	if text != "" {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			// The text may have a password in it.
			return nil, &Error{Class: Usage, Message: "the proxy is not a URL such as http://outbound.example.com:3128", Err: errors.New("not a proxy's URL")}
		}
		choose = http.ProxyURL(u)
	}
	return func(r *http.Request) (*url.URL, error) {
		if ip := net.ParseIP(r.URL.Hostname()); ip != nil && ip.IsLinkLocalUnicast() {
			return nil, nil
		}
		return choose(r)
	}, nil
}

// chain is the default chain of credentials.
type chain struct {
	loader *loader

	mu    sync.Mutex
	creds aws.CredentialsProvider
	stale bool // AWS did not take them
}

// Retrieve gives the credentials. The SDK keeps them while they are valid.
func (c *chain) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	if c.stale {
		if cfg, err := c.loader.load(ctx); err == nil && cfg.Credentials != nil {
			c.creds, c.stale = cfg.Credentials, false
		}
	}
	creds := c.creds
	c.mu.Unlock()
	got, err := creds.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err}
	}
	return got, nil
}

// refresh has the chain looked through again at the next request.
func (c *chain) refresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stale = true
}

// given are the credentials of Options.
func given(from func(context.Context) (Credentials, error)) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		c, err := from(ctx)
		if err != nil {
			return aws.Credentials{}, &credentialsError{err}
		}
		if c.AccessKeyID == "" || c.SecretAccessKey == "" {
			return aws.Credentials{}, &credentialsError{errors.New("the access key is empty")}
		}
		return aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Source: "dbkeyring"}, nil
	})
}

// checkFiles looks for shared files that the SDK would pass over without a word: those
// that a variable names, and those that are there and cannot be read. hint is about
// those of which not even that can be seen.
func checkFiles() (hint string, err error) {
	for _, f := range []struct{ variable, usual string }{
		{"AWS_CONFIG_FILE", config.DefaultSharedConfigFilename()},
		{"AWS_SHARED_CREDENTIALS_FILE", config.DefaultSharedCredentialsFilename()},
	} {
		name, named := os.Getenv(f.variable), true
		if name == "" {
			name, named = f.usual, false
		}
		why := readable(name)
		switch {
		case why == nil, !named && errors.Is(why, fs.ErrNotExist):
		case named:
			return "", fileError(name, why, fmt.Sprintf("%s names this file: let the database's user read it, or unset the variable", f.variable))
		case !visible(name):
			hint = fmt.Sprintf("%s could not be looked for: permission denied", name)
		default:
			return "", fileError(name, why, fmt.Sprintf("Let the database's user read it, or set %s to the file that it should read (/dev/null for none)", f.variable))
		}
	}
	return hint, nil
}

func fileError(name string, why error, cure string) *Error {
	return &Error{Class: Operator, Message: fmt.Sprintf("the AWS file %s cannot be read: %s", name, plainFile(why)), Cure: cure, Err: why}
}

// plainFile is the cause without the name.
func plainFile(err error) string {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

func readable(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	return err
}

// visible says whether a file that cannot be read is there for certain. A server that
// root has started as another user has root's HOME, into which it must not look.
func visible(name string) bool {
	_, err := os.Lstat(filepath.Clean(name))
	return err == nil
}
