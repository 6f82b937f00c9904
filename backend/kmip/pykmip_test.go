//go:build e2e

package kmip_test

import (
	"cmp"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// pyKMIP is a PyKMIP server of a test (spec: Debian 12's python3-pykmip).
type pyKMIP struct {
	ca      *kmiptest.Authority
	addr    string
	clients atomic.Int32
}

func newPyKMIP(t testing.TB, serverKey crypto.Signer) *pyKMIP {
	t.Helper()
	// PyKMIP 0.10 needs a Python before 3.12: the one that it is packaged for.
	const python, program = "/usr/bin/python3", "/usr/bin/pykmip-server"
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("DBKEYRING_SKIP_MISSING") == "1" {
			t.Skip("PyKMIP is missing: apt-get install python3-pykmip")
		}
		t.Fatal("no PyKMIP: apt-get install python3-pykmip. (DBKEYRING_SKIP_MISSING=1 skips the tests that need it.)")
	}
	p := &pyKMIP{ca: kmiptest.NewAuthority(t), addr: freeAddr(t)}
	server := p.ca.Issue("server", serverKey, &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "policy"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(p.addr)
	conf := filepath.Join(dir, "server.conf")
	err := os.WriteFile(conf, fmt.Appendf(nil, `[server]
hostname=127.0.0.1
port=%s
certificate_path=%s
key_path=%s
ca_path=%s
auth_suite=TLS1.2
policy_path=%s/policy
enable_tls_client_auth=True
logging_level=WARNING
database_path=%s/pykmip.db
`, port, server.CertFile, server.KeyFile, p.ca.CertFile, dir, dir), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	cmd := exec.Command(python, "-W", "ignore", program, "-f", conf, "-l", filepath.Join(dir, "server.log"))
	cmd.Stdout, cmd.Stderr = output, output
	// It leaves two children behind when it ends: all three are a group of their own.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.addr); err == nil {
			c.Close()
			return p
		} else if time.Now().After(deadline) {
			out, _ := os.ReadFile(output.Name())
			t.Fatalf("PyKMIP does not start: %v\n%s", err, out)
		}
	}
}

// options are those of a client that sees only its own objects.
func (p *pyKMIP) options() backend.Options {
	c := p.ca.Client(fmt.Sprintf("mysql%d", p.clients.Add(1)))
	return backend.Options{Servers: []string{p.addr}, ClientCertFile: c.CertFile, ClientKeyFile: c.KeyFile, ServerCAFile: p.ca.CertFile,
		Timeout: 30 * time.Second, StartTimeout: time.Minute}
}

func TestConformance_PyKMIP(t *testing.T) {
	p := newPyKMIP(t, kmiptest.NewKey(t))
	l := limits
	l.Slow = true
	for _, version := range []string{"", "2.0"} {
		t.Run(cmp.Or(version, "agreed"), func(t *testing.T) {
			keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
				o := p.options()
				o.ProtocolVersion = version
				return func() keyring.Keyring { return open(t, o, &buffer{}) }
			}, l)
		})
	}
}

// PyKMIP with an RSA certificate offers only suites that Go does not by default.
func TestPyKMIP_RSA(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := newPyKMIP(t, key)
	o := p.options()
	k := open(t, o, &buffer{})
	id := keyring.ID{Name: "schlüssel", Owner: "root@localhost"}
	if err := k.Generate(t.Context(), id, "aes", 32); err != nil {
		t.Fatal(err)
	}
	got, err := k.Fetch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Wipe()
	mustHave(t, open(t, o, &buffer{}), id, "aes", got.Data.Reveal())
	if _, _, err := fetch(t, k, keyring.ID{Name: "nö"}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("a key whose plain Name PyKMIP cannot be asked for: %v", err)
	}
	for _, v := range []string{"1.0", "1.1", "1.2", "1.3", "1.4", "2.0"} {
		o.ProtocolVersion = v
		mustHave(t, open(t, o, &buffer{}), id, "aes", got.Data.Reveal())
	}
}
