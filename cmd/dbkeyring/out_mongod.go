package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"net"
	"path/filepath"
	"strconv"

	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/keyserver/admin"
	"github.com/dbkeyring/dbkeyring/keyserver/datadir"
	"github.com/dbkeyring/dbkeyring/keyserver/pki"
	"github.com/dbkeyring/dbkeyring/secret"
)

// clientPEM has the private key and the certificate, as mongod wants them.
const clientPEM = "client.pem"

// writeMongod writes one PEM file, the CA, and the options for mongod.conf.
func (c *outFlags) writeMongod(p *process, status admin.Status, pair pki.Pair, roots []*x509.Certificate) error {
	server, err := c.serverOf(p, status)
	if err != nil {
		return err
	}
	host, portText, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	key, err := pki.EncodeKey(pair.Key)
	if err != nil {
		return err
	}
	pem := append(key, pki.EncodeCertificate(pair.Certificate)...)
	defer secret.Wipe(pem)
	install := cmp.Or(c.InstallDir, c.Out)
	text := mongod.ConfigText(mongod.Endpoint{Server: host, Port: port,
		ClientCertificateFile: filepath.Join(install, clientPEM), ServerCAFile: filepath.Join(install, datadir.RootCertFile)})
	return errors.Join(
		atomicfile.WriteFile(filepath.Join(c.Out, datadir.RootCertFile), pki.EncodeCertificate(roots...), 0o644),
		atomicfile.WriteFile(filepath.Join(c.Out, clientPEM), pem, 0o600),
		atomicfile.WriteFile(filepath.Join(c.Out, mongod.FileName), text, 0o644),
	)
}
