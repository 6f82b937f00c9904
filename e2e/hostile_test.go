//go:build e2e

package e2e

import (
	"crypto/tls"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// TestKeyServerRenegotiation: a client that asks for a new handshake on its
// connection, which costs a server much and a client little, is cut off.
func TestKeyServerRenegotiation(t *testing.T) {
	s := newKeyServer(t)
	cmd := exec.Command("openssl", "s_client", "-connect", s.addr(), "-tls1_2", "-cert", s.Config["client_ca"].(string),
		"-key", s.Config["client_key"].(string), "-CAfile", s.Config["server_ca"].(string))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("openssl: %v. apt-get install openssl.", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// Its commands are read once the handshake is done.
	if _, err := in.Write([]byte("R\n")); err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		<-ended
		t.Fatalf("the connection goes on: %s", tail(out.String()))
	}
	if err == nil || !strings.Contains(out.String(), "RENEGOTIATING") || !strings.Contains(out.String(), "Verify return code: 0") {
		t.Errorf("openssl says %v: %s", err, tail(out.String()))
	}
	if got := kmiptest.Dial(t, s.addr(), s.clientTLS()).One(kmip.V1_2, &kmip.LocateRequest{}); got.Err() != nil {
		t.Errorf("afterwards: %v", got.Err())
	}
}

// TestKeyServerStranger: who has a certificate of another authority, or none,
// gets no answer at all.
func TestKeyServerStranger(t *testing.T) {
	s := newKeyServer(t)
	dir := tempDir(t)
	a := newAuthority(t, dir)
	a.client("mysql", newKey(t, false)) // the name is right
	stranger, err := tls.LoadX509KeyPair(filepath.Join(dir, "mysql.pem"), filepath.Join(dir, "mysql.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, certificates := range map[string][]tls.Certificate{"of another authority": {stranger}, "none": nil} {
		conf := s.clientTLS()
		conf.ClientSessionCache = nil
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if certificates == nil {
				return &tls.Certificate{}, nil
			}
			return &certificates[0], nil // whatever authorities the server asks for
		}
		c, err := tls.Dial("tcp", s.addr(), conf)
		if err == nil { // TLS 1.3 tells with the first read
			c.SetDeadline(time.Now().Add(20 * time.Second))
			_, err = kmiptest.ReadFrame(c)
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
