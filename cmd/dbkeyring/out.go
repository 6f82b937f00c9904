package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
)

// outFlags say where a client's files go and what is in them.
type outFlags struct {
	For             string   `required:"" enum:"mysql,okv,mongod,kmip" placeholder:"mysql|okv|mongod|kmip" help:"What the client is: mysql gets component_keyring_kmip's configuration besides, okv a whole keyring_okv_conf_dir, mongod one PEM file and the options of mongod.conf."`
	Out             string   `required:"" placeholder:"OUT" help:"The folder for the client's files."`
	Server          string   `placeholder:"ADDR" help:"The key server as the client sees it, HOST or HOST:PORT (default: the address that it listens on)."`
	Standby         []string `placeholder:"ADDR" help:"For okv: a standby server, HOST or HOST:PORT. May be repeated, in the order to try."`
	KeyPasswordFile string   `placeholder:"FILE" help:"For okv: encrypt the private key with the password on this file's one line, and put it into ssl/password.txt."`
	InstallDir      string   `placeholder:"DIR" help:"For mysql and mongod: where the files will lie on the client's machine (default: OUT). The configuration names them there."`
	Force           bool     `help:"Overwrite files in OUT."`
}

// What a server listens on unless it is told otherwise (KMIP 1.4, 8: port 5696).
const (
	defaultServer = "127.0.0.1:5696"
	defaultPort   = "5696"
)

// files returns the names of what is written.
func (c *outFlags) files() []string {
	switch c.For {
	case "okv":
		return okv.Files(c.KeyPasswordFile != "")
	case "mongod":
		return []string{datadir.RootCertFile, clientPEM, mongod.FileName}
	}
	names := []string{datadir.RootCertFile, datadir.ClientKeyFile, datadir.ClientCertFile}
	if c.For == "mysql" {
		names = append(names, percona.FileName, config.ManifestName)
	}
	return names
}

// check finds what is wrong before anything is asked of a server.
func (c *outFlags) check() error {
	var faults []error
	if c.Server != "" {
		if _, err := config.ParseServer(c.Server, defaultPort); err != nil {
			faults = append(faults, fmt.Errorf("--server %s: %w", c.Server, err))
		}
	}
	if c.For == "kmip" && c.Server != "" {
		faults = append(faults, errors.New("--server goes into configuration files; with --for kmip there are none"))
	}
	if c.For != "mysql" && c.For != "mongod" && c.InstallDir != "" {
		faults = append(faults, errors.New("--install-dir goes with --for mysql and --for mongod: nothing else names its own place"))
	}
	if c.For == "okv" {
		faults = append(faults, c.checkOKV()...)
	} else if len(c.Standby) > 0 || c.KeyPasswordFile != "" {
		faults = append(faults, errors.New("--standby and --key-password-file go with --for okv"))
	}
	if c.InstallDir != "" && !filepath.IsAbs(c.InstallDir) {
		faults = append(faults, fmt.Errorf("--install-dir %s: give an absolute path, since it is looked up on the client's machine", c.InstallDir))
	}
	if err := errors.Join(faults...); err != nil {
		return &failed{err: err, code: exitUsage}
	}
	if c.Force {
		return nil
	}
	var there []string
	for _, name := range c.files() {
		if _, err := os.Lstat(filepath.Join(c.Out, name)); err == nil {
			there = append(there, name)
		}
	}
	if there != nil {
		return &failed{err: fmt.Errorf("--out %s: there already: %s", c.Out, strings.Join(there, ", ")),
			hint: "choose another folder, or overwrite them with --force"}
	}
	return nil
}

// prepare makes OUT and proves that it can be written, before a certificate is
// made. undo takes away what it made.
func (c *outFlags) prepare() (undo func(), err error) {
	out, err := filepath.Abs(c.Out)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	c.Out, undo = out, func() {}
	if _, err := os.Stat(out); errors.Is(err, fs.ErrNotExist) {
		undo = func() { _ = os.Remove(out) } // if it is empty
	}
	mode := fs.FileMode(0o700)
	if c.For == "okv" {
		mode = okv.DirMode
	}
	if err := os.MkdirAll(out, mode); err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	f, err := os.CreateTemp(out, ".dbkeyring-*")
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return undo, errors.Join(f.Close(), os.Remove(f.Name()))
}

// write writes the client's files. The certificate comes last of the pair, the
// configuration after both.
func (c *outFlags) write(p *process, status admin.Status, pair pki.Pair, roots []*x509.Certificate) error {
	switch c.For {
	case "okv":
		return c.writeOKV(p, status, pair, roots)
	case "mongod":
		return c.writeMongod(p, status, pair, roots)
	}
	if err := datadir.SaveClient(c.Out, pair, roots); err != nil {
		return err
	}
	if c.For != "mysql" {
		return nil
	}
	server, err := c.serverOf(p, status)
	if err != nil {
		return err
	}
	install := cmp.Or(c.InstallDir, c.Out)
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	return percona.Write(c.Out, percona.Endpoint{
		ServerAddr: host, ServerPort: port,
		ClientCA:  filepath.Join(install, datadir.ClientCertFile),
		ClientKey: filepath.Join(install, datadir.ClientKeyFile),
		ServerCA:  filepath.Join(install, datadir.RootCertFile),
	})
}

// serverOf returns the server that the configuration names, as host:port.
func (c *outFlags) serverOf(p *process, status admin.Status) (string, error) {
	server := c.Server
	if server == "" {
		server = reachable(status.Address)
	}
	server, err := config.ParseServer(server, defaultPort)
	if err == nil {
		c.warnOfName(p, status, server)
	}
	return server, err
}

// reachable turns the address that a server listens on into one to connect to.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return defaultServer
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		if name, err := os.Hostname(); err == nil {
			return net.JoinHostPort(name, port)
		}
	}
	return address
}

// warnOfName tells in time what a client would refuse: a server that its
// certificate does not name.
func (c *outFlags) warnOfName(p *process, status admin.Status, server string) {
	host, _, err := net.SplitHostPort(server)
	if err != nil || !status.Running {
		return
	}
	for _, name := range status.ServerNames {
		if strings.EqualFold(name, host) {
			return
		}
		if suffix, ok := strings.CutPrefix(name, "*"); ok {
			if _, rest, found := strings.Cut(host, "."); found && strings.EqualFold("."+rest, suffix) {
				return
			}
		}
	}
	fmt.Fprintf(p.stderr, "warning: the server's certificate does not name %s (it names %s). Restart the server with --san %s\n",
		host, strings.Join(status.ServerNames, ", "), host)
}
