//go:build e2e

package kmip_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/masterkey"
	provider "github.com/dbkeyring/dbkeyring/masterkey/provider/kmip"
	"github.com/dbkeyring/dbkeyring/masterkey/providertest"
)

// newPyKMIP starts a PyKMIP server and returns its address.
func newPyKMIP(t *testing.T, ca *kmiptest.Authority) string {
	t.Helper()
	// PyKMIP 0.10 needs a Python before 3.12: the one that it is packaged for.
	const python, program = "/usr/bin/python3", "/usr/bin/pykmip-server"
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("DBKEYRING_SKIP_MISSING") == "1" {
			t.Skip("PyKMIP is missing: apt-get install python3-pykmip")
		}
		t.Fatal("no PyKMIP: apt-get install python3-pykmip. (DBKEYRING_SKIP_MISSING=1 skips the tests that need it.)")
	}
	addr, server, dir := closedPort(t), ca.Server(), t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "policy"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
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
`, port, server.CertFile, server.KeyFile, ca.CertFile, dir, dir), 0o600)
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
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		} else if time.Now().After(deadline) {
			out, _ := os.ReadFile(output.Name())
			t.Fatalf("PyKMIP does not start: %v\n%s", err, out)
		}
	}
}

func TestPyKMIP(t *testing.T) {
	ca := kmiptest.NewAuthority(t)
	c := ca.Client("node")
	o := provider.Options{Servers: []string{newPyKMIP(t, ca)}, CertFile: onePEM(t, c.CertFile, c.KeyFile), CAFile: ca.CertFile, Timeout: 30 * time.Second}
	for name, creates := range map[string]bool{"Register": false, "Create": true} {
		o.ServerCreates = creates
		t.Run(name, func(t *testing.T) {
			providertest.Test(t, func(t testing.TB) masterkey.Provider { return newProvider(t, o) }, keeper)
		})
	}
	o.Servers = append([]string{closedPort(t)}, o.Servers...) // a dead first host
	t.Run("Revoked", func(t *testing.T) { revokedInPyKMIP(t, o, ca, c) })
}

// revokedInPyKMIP has the key revoked by its owner, as PyKMIP allows by default.
func revokedInPyKMIP(t *testing.T, o provider.Options, ca *kmiptest.Authority, c kmiptest.Pair) {
	p := newProvider(t, o)
	key, ref, err := p.Create(t.Context(), "dbkeyring to be revoked")
	if err != nil {
		t.Fatal(err)
	}
	if ref.Server != o.Servers[1] {
		t.Errorf("%+v", ref)
	}
	if err := p.Activate(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	if got, _, err := p.Read(t.Context(), ref); err != nil || !got.Equal(key) {
		t.Errorf("%v", err)
	}
	owner, err := kmipclient.New(kmipclient.Options{Servers: o.Servers, TLS: ca.ClientConfig(c)})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	if _, err := owner.Revoke(t.Context(), &kmip.RevokeRequest{UniqueIdentifier: ref.ID, Reason: kmip.RevocationReason{Code: kmip.RevocationCessationOfOperation}}); err != nil {
		t.Fatal(err)
	}
	if state, err := p.State(t.Context(), ref); err != nil || state != masterkey.Deactivated {
		t.Errorf("%s, %v", state, err)
	}
	if err := p.Activate(t.Context(), ref); keyring.KindOf(err) != keyring.ErrInactive {
		t.Errorf("%v", err)
	}
	if got, _, err := p.Read(t.Context(), ref); err != nil || !got.Equal(key) { // which a rotation does
		t.Errorf("%v", err)
	}
	if _, err := owner.Destroy(t.Context(), ref.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.State(t.Context(), ref); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
}
