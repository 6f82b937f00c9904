package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

type keyCmd struct {
	List     keyListCmd     `cmd:"" help:"List the objects that the client may see."`
	Show     keyShowCmd     `cmd:"" help:"Show an object's state, dates and names."`
	Usage    keyUsageCmd    `cmd:"" help:"Tell which clients used an object last, and when."`
	Activate keyActivateCmd `cmd:"" help:"Make Pre-Active objects Active."`
	Revoke   keyRevokeCmd   `cmd:"" help:"Take objects out of use: databases may lose access to their data."`
	Destroy  keyDestroyCmd  `cmd:"" help:"Delete objects for good: what is encrypted with them is lost."`
}

// clientFlags say which KMIP server to ask, and as whom.
type clientFlags struct {
	Config  string        `placeholder:"PATH" xor:"how" help:"A configuration that names server and certificates: component_keyring_kmip.cnf, or a keyring_okv folder."`
	Data    string        `placeholder:"DIR" xor:"how" help:"The data directory of a server that runs on this machine: as its administrator."`
	Server  string        `placeholder:"ADDR" xor:"how" help:"The KMIP server, HOST or HOST:PORT; then --cert, --key and --ca are needed, too."`
	Cert    string        `placeholder:"FILE" and:"pem" help:"The client's certificate (PEM)."`
	Key     string        `placeholder:"FILE" and:"pem" help:"The client's private key (PEM)."`
	CA      string        `name:"ca" placeholder:"FILE" and:"pem" help:"The CA certificates that the server's must chain to (PEM)."`
	Timeout time.Duration `placeholder:"DURATION" help:"Time for one exchange with the server (default 5s, or what PATH says)."`
}

// withClient calls fn with a client of the server that the flags name.
func (c *clientFlags) withClient(p *process, fn func(context.Context, *kmipclient.Client) error) error {
	o, err := c.options(p)
	if err != nil {
		return err
	}
	defer o.ClientKeyPassword.Wipe()
	client, err := dial(p, o)
	if err != nil {
		return err
	}
	defer client.Close()
	return explainKMIP(fn(p.ctx, client), o.Cure)
}

// options brings both ways of naming a server to the same form.
func (c *clientFlags) options(p *process) (backend.Options, error) {
	var o backend.Options
	switch {
	case c.Server == "" && c.Cert != "":
		return o, &failed{err: errors.New("--cert, --key and --ca go with --server"), code: exitUsage}
	case c.Config != "":
		conf, err := readConf(p, c.Config)
		if err == nil && conf.KMIP == nil {
			err = fmt.Errorf("--config %s: it is no KMIP server's, but %s's", c.Config, conf.Kind)
		}
		if err != nil {
			return o, &failed{err: err, code: exitUsage}
		}
		o = *conf.KMIP
	case c.Data != "":
		status, err := runningServer(p.ctx, c.Data, 0)
		if err != nil {
			return o, err
		}
		identity := filepath.Join(c.Data, datadir.AdminDir)
		o = backend.Options{
			Servers:        []string{reachable(status.Address)},
			ClientCertFile: filepath.Join(identity, datadir.ClientCertFile),
			ClientKeyFile:  filepath.Join(identity, datadir.ClientKeyFile),
			ServerCAFile:   filepath.Join(identity, datadir.RootCertFile),
		}
	case c.Server != "" && c.Cert != "":
		server, err := config.ParseServer(c.Server, defaultPort)
		if err != nil {
			return o, &failed{err: fmt.Errorf("--server %s: %w", c.Server, err), code: exitUsage}
		}
		o = backend.Options{Servers: []string{server}, ClientCertFile: c.Cert, ClientKeyFile: c.Key, ServerCAFile: c.CA}
	default:
		return o, &failed{err: errors.New("no server: give --config PATH, or --data DIR, or --server, --cert, --key and --ca"), code: exitUsage}
	}
	if c.Timeout > 0 {
		o.Timeout = c.Timeout
	}
	if o.Cure == nil {
		o.Cure = cure(o)
	}
	return o, nil
}

// dial makes a client; it connects at its first use.
func dial(p *process, o backend.Options) (*kmipclient.Client, error) {
	pair, err := pemkey.LoadPair(o.ClientCertFile, o.ClientKeyFile, o.ClientKeyPassword)
	pool, caErr := pemkey.LoadPool(o.ServerCAFile)
	if err := errors.Join(err, caErr); err != nil {
		return nil, err
	}
	warnOfDates(p, o.ClientCertFile, pair.Leaf, time.Now())
	t := tlsconf.NewClient(tlsconf.ClientOptions{
		Certificate: pair, ServerCA: pool,
		SkipPeerVerification: o.SkipPeerVerification, SkipHostnameVerification: o.SkipHostnameVerification,
	})
	var version kmip.Version
	if o.ProtocolVersion != "" {
		if version, err = kmip.ParseVersion(o.ProtocolVersion); err != nil {
			return nil, err
		}
	}
	return kmipclient.New(kmipclient.Options{Servers: o.Servers, TLS: t.Config(""), Timeout: o.Timeout, ConnectTimeout: o.ConnectTimeout, Version: version})
}

// explainKMIP gives an error its exit code and its cure.
func explainKMIP(err error, cure func(error) string) error {
	if err == nil {
		return nil
	}
	var refused *kmip.Error
	var nobody *kmipclient.Error
	switch {
	case errors.As(err, &refused) && refused.Reason == kmip.ReasonItemNotFound:
		return &failed{err: err, hint: "see: dbkeyring key list", code: exitNotFound}
	case errors.As(err, &nobody):
		f := &failed{err: err, code: exitUnreachable}
		for _, s := range nobody.Servers {
			host, _, _ := net.SplitHostPort(s.Server)
			s.Err = tlsconf.Explain(s.Err, host)
		}
		f.hint = cure(err)
		return f
	}
	return err
}

// confirm asks before something that cannot be undone, on the terminal.
func confirm(p *process, yes bool, question string) error {
	if yes {
		return nil
	}
	in, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return &failed{err: errors.New("nobody can be asked: standard input is no terminal"), hint: "give --yes if you are sure", code: exitUsage}
	}
	fmt.Fprintf(p.stderr, "%s Type yes: ", question)
	answer, err := bufio.NewReader(in).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errors.New("not done"), ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

// each does something to each object and goes on after a refusal, but not when
// nobody answers.
func each(p *process, ids []string, done string, do func(id string) error) error {
	var errs []error
	for i, id := range ids {
		if err := do(id); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", printable(id), err))
			if _, nobody := errors.AsType[*kmipclient.Error](err); nobody && i+1 < len(ids) {
				errs = append(errs, fmt.Errorf("not tried: %s", printable(strings.Join(ids[i+1:], " "))))
				break
			}
			continue
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", printable(id), done)
	}
	return errors.Join(errs...)
}

// printable quotes what would do something to a terminal, or end a column.
func printable(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return strconv.Quote(s)
		}
	}
	if s == "" || strings.Contains(s, "  ") || s != strings.TrimSpace(s) {
		return strconv.Quote(s)
	}
	return s
}
