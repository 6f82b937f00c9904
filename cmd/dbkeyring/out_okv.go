package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/internal/pemkey"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/secret"
)

// checkOKV finds what is wrong with the flags of --for okv.
func (c *outFlags) checkOKV() []error {
	var faults []error
	for _, standby := range c.Standby {
		if _, err := config.ParseServer(standby, defaultPort); err != nil {
			faults = append(faults, fmt.Errorf("--standby %s: %w", standby, err))
		}
	}
	if n := len(c.Standby); n > config.MaxStandbys {
		faults = append(faults, fmt.Errorf("--standby: %d servers, the most is %d", n, config.MaxStandbys))
	}
	if c.KeyPasswordFile != "" {
		password, err := config.ReadPassword(c.KeyPasswordFile)
		if err != nil {
			faults = append(faults, fmt.Errorf("--key-password-file: %w", err))
		}
		password.Wipe()
	}
	return faults
}

// writeOKV fills a keyring_okv_conf_dir. With --force an okvclient.ora that is
// there already stays unless servers are named: it may list standbys.
func (c *outFlags) writeOKV(p *process, status admin.Status, pair pki.Pair, roots []*x509.Certificate) error {
	e := okv.Endpoint{CA: pki.EncodeCertificate(roots...), Cert: pki.EncodeCertificate(pair.Certificate)}
	_, err := os.Lstat(filepath.Join(c.Out, okv.FileName))
	if err != nil || c.Server != "" || len(c.Standby) > 0 {
		server, err := c.serverOf(p, status)
		if err != nil {
			return err
		}
		e.Server = server
	}
	for _, standby := range c.Standby {
		server, err := config.ParseServer(standby, defaultPort)
		if err != nil {
			return err
		}
		e.Standbys = append(e.Standbys, server)
	}
	if c.KeyPasswordFile != "" {
		if e.Password, err = config.ReadPassword(c.KeyPasswordFile); err != nil {
			return fmt.Errorf("--key-password-file: %w", err)
		}
		defer e.Password.Wipe()
		e.Key, err = pemkey.EncodeEncrypted(pair.Key, e.Password)
	} else {
		e.Key, err = pki.EncodeKey(pair.Key)
	}
	if err != nil {
		return err
	}
	defer secret.Wipe(e.Key)
	return okv.Write(c.Out, e)
}
