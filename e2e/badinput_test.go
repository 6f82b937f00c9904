//go:build e2e

package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// Whatever is wrong with the configuration or behind it is told in MySQL's own
// error log, with the option and the file to change, and the keys of the last
// load stay in use.
func TestBadInputIsToldInTheLog(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config)
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")

	pki := kmiptest.NewAuthority(t)
	client, other := pki.Client("mysql"), pki.Client("other")
	expiredClient := pki.Issue("old-client", kmiptest.NewKey(t), &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	expiredServer := pki.Issue("old-server", kmiptest.NewKey(t), &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	encrypted := filepath.Join(suite.root, "internal/pemkey/testdata/enc_aes-256-cbc_hmacWithSHA256.pem")

	// to is the configuration for a server of the test's own.
	to := func(addr string) config {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		return config{"server_addr": host, "server_port": port, "kmip_timeout_ms": 1000, "start_timeout_ms": 3000,
			"client_ca": client.CertFile, "client_key": client.KeyFile, "server_ca": pki.CertFile}
	}
	serving := func(conf *tls.Config, k *kmiptest.Keeper) config {
		return to(kmiptest.NewServer(t, conf, k.Handle).Addr)
	}
	refusing := func(reason kmip.ResultReason) config {
		return serving(pki.ServerConfig(pki.Server()), &kmiptest.Keeper{Before: func(p kmip.Payload) error {
			if p.Operation() == kmip.OpLocate {
				return kmip.Errorf(reason, "because")
			}
			return nil
		}})
	}
	good := serving(pki.ServerConfig(pki.Server()), &kmiptest.Keeper{})
	frozen := faultnet.New(t, ks.addr())
	frozen.Set(faultnet.Freeze())

	for _, c := range []struct {
		name string
		conf config
		want []string
	}{
		{"no such file", good.with(config{"client_ca": "/nowhere/cert.pem"}), []string{"client_ca (", "/nowhere/cert.pem: no such file or directory. Put the file there, or correct the path."}},
		{"key of another certificate", good.with(config{"client_key": other.KeyFile}), []string{"client_key (", "the private key does not belong to the certificate"}},
		{"encrypted key", good.with(config{"client_key": encrypted}), []string{"client_key (", "is encrypted and there is no password. Set client_key_password_file or client_key_password"}},
		{"wrong password", good.with(config{"client_key": encrypted, "client_key_password": "open barley"}), []string{"client_key (", "the password does not open the private key. Correct client_key_password."}},
		{"no PEM", good.with(config{"server_ca": filepath.Join(suite.root, "go.mod")}), []string{"server_ca (", "go.mod"}},
		{"client certificate expired", good.with(config{"client_ca": expiredClient.CertFile, "client_key": expiredClient.KeyFile}), []string{"client_ca (", "has expired", "the server refused the TLS connection", "Set client_ca (now " + expiredClient.CertFile}},
		{"server certificate expired", serving(pki.ServerConfig(expiredServer), &kmiptest.Keeper{}), []string{"is valid from", `"tls_peer_verification": false`}},
		{"wrong host name", serving(pki.ServerConfig(pki.Server("kms.example", "10.1.2.3")), &kmiptest.Keeper{}), []string{"the server's certificate is for kms.example, 10.1.2.3, not for \"127.0.0.1\"", "Set server_addr to a name in the certificate (kms.example, 10.1.2.3)", `"tls_hostname_verification": false`}},
		{"unknown authority", good.with(config{"server_ca": ks.Config["server_ca"]}), []string{"is not trusted", "Set server_ca (now " + ks.Config["server_ca"].(string)}},
		{"port closed", to(closedAddr(t)), []string{"cannot connect to the key server (127.0.0.1:", "connection refused. Start the key server, or correct server_addr and server_port."}},
		{"no such host", good.with(config{"server_addr": "no-such-host.invalid"}), []string{"cannot find the key server (no-such-host.invalid:", "Correct server_addr"}},
		{"silence", to(frozen.Addr()), []string{"the time ran out. Check that the key server runs", "raise kmip_timeout_ms (now 1000)"}},
		{"no TLS", to(faultnet.Serve(t, func(c net.Conn) { io.WriteString(c, "220 mail ESMTP ready\r\n") })), []string{"the server does not speak TLS on this port. Set server_addr and server_port"}},
		{"TLS, no KMIP", to(faultnet.Serve(t, func(c net.Conn) {
			s := tls.Server(c, pki.ServerConfig(pki.Server()))
			if s.Handshake() == nil {
				var b [8]byte
				s.Read(b[:])
				io.WriteString(s, "HTTP/1.1 400 Bad Request\r\n\r\n")
			}
			s.Close()
		})), []string{"it speaks TLS, but not KMIP"}},
		{"refused by the key server", refusing(kmip.ReasonPermissionDenied), []string{"the key server refused (127.0.0.1:", "Locate", "Permission Denied: because", "administrator allow this client the operation"}},
		{"a failure of the key server", refusing(kmip.ReasonGeneralFailure), []string{"General Failure: because. Look into the key server's log."}},
		{"every option wrong", config{"server_addr": 5, "server_port": "0", "client_ca": "", "client_key": true, "object_group": 1, "max_objects": 0,
			"kmip_timeout_ms": "5000", "start_timeout_ms": -1, "tls_peer_verification": "no", "tls_hostname_verification": 1, "client_key_password": 1,
			"kmip_version": "3.0", "inactive_keys": "drop", "read_local_config": false},
			[]string{"server_addr (", "server_port (", "client_ca (", "client_key (", "server_ca (", "it is missing", "object_group (", "max_objects (", "kmip_timeout_ms (",
				"start_timeout_ms (", "tls_peer_verification (", "tls_hostname_verification (", "client_key_password (", "kmip_version (", "inactive_keys ("}},
		{"an option that nobody knows", good.with(config{"server_prot": "1", "server_port": 0}), []string{"server_prot (", "did you mean server_port?"}},
	} {
		before := len(m.log())
		c.conf.write(t, m.path("plugins", component+".cnf"))
		if err := m.try("ALTER INSTANCE RELOAD KEYRING"); err == nil {
			t.Errorf("%s: RELOAD KEYRING worked", c.name)
			continue
		}
		said := m.log()[before:]
		for _, want := range append(c.want, "[ERROR]", "The keyring was not reloaded, the keys of the last load stay in use: ") {
			if !strings.Contains(said, want) {
				t.Errorf("%s: the log lacks %q:\n%s", c.name, want, said)
			}
		}
		if strings.Contains(said, "open barley") {
			t.Errorf("%s: the log has the password:\n%s", c.name, said)
		}
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
	}
	if got := m.status("Component_status"); got != "Active" {
		t.Errorf("Component_status = %q after failed reloads", got)
	}
	// The old connection is there, too.
	m.want("1", "SELECT keyring_key_generate('after', 'AES', 32)")
	m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
	ks.Config.write(t, m.path("plugins", component+".cnf"))
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	m.want("42", "SELECT v FROM e2e.t")

	testBadCalls(t, m, ks)
	m.stop()
}

// testBadCalls makes calls that cannot be, and takes a key away behind MySQL's back.
func testBadCalls(t *testing.T, m *MySQL, ks *keyServer) {
	said := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(m.log(), w) {
				t.Errorf("the log lacks %q:\n%s", w, tail(m.log()))
			}
		}
	}
	m.want("NULL", "SELECT keyring_key_generate(?, 'AES', 32)", strings.Repeat("i", 251))
	said("the key's name has 251 bytes", "it may have 250")
	m.want("NULL", "SELECT keyring_key_generate('k', 'RSA', 256)")
	said(`the key type is "RSA"; a KMIP server keeps AES and SECRET`)

	m.want("1", "SELECT keyring_key_store('goes', 'SECRET', 'still here')")
	file := filepath.Join(tempDir(t), component+".cnf")
	ks.Config.write(t, file)
	uid := m.value("SELECT BACKEND_KEY_ID FROM performance_schema.keyring_keys WHERE KEY_ID = 'goes'")
	for _, args := range [][]string{{"revoke", uid, "--reason", "unspecified"}, {"destroy", uid}} {
		args = append([]string{"key"}, append(args, "--yes", "--config", file)...)
		if out, err := command(t, 20*time.Second, dbkeyringPath(t), args...); err != nil {
			t.Fatalf("%q: %v: %s", args, err, out)
		}
	}
	m.want("still here", "SELECT keyring_key_fetch('goes')")
	m.want("NULL", "SELECT keyring_key_remove('goes')")
	said("a key that was in use is gone from the key server", "goes")
	m.want("NULL", "SELECT keyring_key_fetch('goes')")
	m.want("1", "SELECT keyring_key_store('goes', 'SECRET', 'anew')")
	m.want("anew", "SELECT keyring_key_fetch('goes')")
}

func closedAddr(t testing.TB) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
