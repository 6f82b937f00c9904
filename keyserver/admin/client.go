package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
)

// ErrNotRunning: no server answers on the admin socket.
var ErrNotRunning = errors.New("no server runs on this data directory")

// exchangeTimeout bounds a request over the socket.
const exchangeTimeout = 30 * time.Second

// Client is the Service of a server that runs in another process.
type Client struct {
	dir  string
	http *http.Client
}

// NewClient returns a client for the server that runs on the data directory dir.
func NewClient(dir string) *Client {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			addr, release, err := socketAddress(dir)
			if err != nil {
				return nil, err
			}
			defer release()
			return (&net.Dialer{}).DialContext(ctx, "unix", addr)
		},
	}
	return &Client{dir: dir, http: &http.Client{Transport: transport, Timeout: exchangeTimeout}}
}

// Close closes the connection.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Add implements [Service].
func (c *Client) Add(ctx context.Context, r AddRequest) (i Issued, err error) {
	err = c.ask(ctx, "POST", "/endpoints", r, &i)
	return i, err
}

// Renew implements [Service].
func (c *Client) Renew(ctx context.Context, r RenewRequest) (i Issued, err error) {
	err = c.ask(ctx, "POST", "/endpoints/renew", r, &i)
	return i, err
}

// Remove implements [Service].
func (c *Client) Remove(ctx context.Context, name string) (e endpoint.Endpoint, err error) {
	err = c.ask(ctx, "POST", "/endpoints/remove", removeRequest{name}, &e)
	return e, err
}

// Limit implements [Service].
func (c *Client) Limit(ctx context.Context, r LimitRequest) (e endpoint.Endpoint, err error) {
	err = c.ask(ctx, "POST", "/endpoints/limit", r, &e)
	return e, err
}

// List implements [Service].
func (c *Client) List(ctx context.Context) (all []endpoint.Endpoint, err error) {
	err = c.ask(ctx, "GET", "/endpoints", nil, &all)
	return all, err
}

// Status implements [Service].
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.ask(ctx, "GET", "/status", nil, &s)
	return s, err
}

// AuditHeads implements [Service].
func (c *Client) AuditHeads(ctx context.Context) (heads []audit.Head, err error) {
	err = c.ask(ctx, "GET", "/audit/heads", nil, &heads)
	return heads, err
}

// remoteError is a server's error: its words, and its kind for errors.Is.
type remoteError struct {
	text string
	kind error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

// ask makes one exchange. An error of the connection says nothing about whether
// a change was made.
func (c *Client) ask(ctx context.Context, method, path string, body, into any) error {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, reader)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.failed(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the running server's answer: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the running server's answer: %w", err)
	}
	return nil
}

// failed is for an exchange that did not come about.
func (c *Client) failed(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return fmt.Errorf("ask the running server (%s): %w", socketPath(c.dir), err)
}

// refusal is the error in an answer.
func refusal(resp *http.Response) error {
	var f failure
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("the running server answered %s", resp.Status)
	}
	return &remoteError{text: f.Error, kind: kinds[f.Kind]}
}

func socketPath(dir string) string { return filepath.Join(dir, datadir.SocketFile) }

// longestAddress is what fits into sockaddr_un (unix(7)), its final NUL included.
const longestAddress = 108

// socketAddress returns a path of the socket that is short enough for the system:
// one through the open folder if the plain one is too long. release ends its use.
func socketAddress(dir string) (addr string, release func(), err error) {
	if path := socketPath(dir); len(path) < longestAddress {
		return path, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) + "/" + datadir.SocketFile, func() { f.Close() }, nil
}
