package main

import (
	"crypto/tls"
	"crypto/x509"
	"sync"

	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
)

// tls admits whom the CA, or an imported one, signed for; who that is, the register says
// at each request.
func (s *server) tls() *tls.Config {
	clients := x509.NewCertPool()
	clients.AddCert(s.dir.CA.Certificate)
	conf := tlsconf.ServerConfig(tlsconf.ServerOptions{
		GetCertificate: s.certificates.choose,
		ClientCA:       clients,
		Authorize: func(state tls.ConnectionState) error {
			_, err := s.dir.Endpoints.Authenticate(state.PeerCertificates[0])
			return err
		},
	})
	conf.GetConfigForClient = s.withForeignCAs(conf)
	return conf
}

// withForeignCAs returns conf with the CAs that are imported at the time of a handshake. The
// keys of session tickets are conf's own, so sessions can be resumed over a change; who may,
// the register is asked then, too.
func (s *server) withForeignCAs(conf *tls.Config) func(*tls.ClientHelloInfo) (*tls.Config, error) {
	var mu sync.Mutex
	var version uint64
	now := conf
	return func(*tls.ClientHelloInfo) (*tls.Config, error) {
		certs, v := s.dir.Endpoints.ForeignCAs()
		mu.Lock()
		defer mu.Unlock()
		if v == version {
			return now, nil
		}
		next := conf.Clone()
		next.GetConfigForClient = nil
		next.ClientCAs = conf.ClientCAs.Clone()
		for _, cert := range certs {
			next.ClientCAs.AddCert(cert)
		}
		version, now = v, next
		return now, nil
	}
}
