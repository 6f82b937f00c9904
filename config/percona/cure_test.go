package percona_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
)

func TestCure(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, percona.FileName)
	write(t, file, document)
	o, _, err := percona.Read(dir, "", "")
	if err != nil {
		t.Fatal(err)
	}
	end := " The options are in " + file + "."
	_, refused := net.Dial("tcp4", "127.0.0.1:1") // nobody listens on port 1
	for _, c := range []struct {
		err  error
		want string
	}{
		{&tlsconf.VerifyError{Check: tlsconf.CheckHostname, Host: "kms", Names: []string{"a.test", "::1"}},
			`Set server_addr to a name in the certificate (a.test, ::1), have a certificate made for the key server that names kms, or set "tls_hostname_verification": false.`},
		{&tlsconf.VerifyError{Check: tlsconf.CheckHostname, Host: "kms", Also: &tlsconf.VerifyError{Issuer: "CN=x"}},
			`Have a certificate made for the key server that names kms, or set "tls_hostname_verification": false. Set server_ca (now ` + dir + `/root_certificate.pem) to the certificate of CN=x, or, giving up the protection, set "tls_peer_verification": false.`},
		{fmt.Errorf("connect: %w", &tlsconf.VerifyError{Check: tlsconf.CheckDates}),
			`Renew the certificate, correct this host's clock, or, giving up the protection, set "tls_peer_verification": false.`},
		{&tlsconf.VerifyError{Check: tlsconf.CheckUsage},
			`Have a certificate made for the key server that is for servers (serverAuth), or, giving up the protection, set "tls_peer_verification": false.`},
		{&tlsconf.RefusedError{Alert: "expired certificate"},
			"Set client_ca (now " + dir + "/client_certificate.pem) and client_key to a certificate that the key server accepts and that has not expired."},
		{&tlsconf.RefusedError{Alert: "handshake failure"},
			"Check that server_port is the key server's KMIP port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."},
		{tlsconf.ErrNotTLS, "Set server_addr and server_port to the key server's KMIP port, usually 5696."},
		{tlsconf.ErrClosed, "Look into the key server's log: it may not accept the certificate in client_ca (" + dir + "/client_certificate.pem)."},
		{refused, "Start the key server, or correct server_addr and server_port."},
		{syscall.EHOSTUNREACH, "Correct server_addr, or the network."},
		{&net.DNSError{Err: "no such host", Name: "kms", IsTimeout: true}, "Correct server_addr, or this host's name resolution."},
		{&kmip.StartTimeoutError{Limit: 10 * time.Second, Err: context.DeadlineExceeded}, "Look at the key server's load, or raise start_timeout_ms (now 10000)."},
		{context.DeadlineExceeded, "Check that the key server runs and that no firewall is in between, or raise kmip_timeout_ms (now 5000)."},
	} {
		if got := o.Cure(c.err); got != c.want+end {
			t.Errorf("%v:\ngot  %s\nwant %s", c.err, got, c.want+end)
		}
	}
	if got := o.Cure(errors.New("anything else")); got != "" {
		t.Error(got)
	}
}
