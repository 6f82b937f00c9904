//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// PyKMIP's client goes through a key's life on our server as on its own.
func TestPyKMIPClient(t *testing.T) {
	t.Parallel()
	eachKind(t, func(t *testing.T, ks *keyServer) {
		c := ks.Config
		out, err := command(t, time.Minute, "/usr/bin/python3", "-W", "ignore", filepath.Join(suite.root, "e2e/testdata/pykmip_client.py"),
			strconv.Itoa(ks.port), c["client_ca"].(string), c["client_key"].(string), c["server_ca"].(string), "a-name")
		if err != nil {
			t.Fatalf("%v: %s; server:\n%s", err, out, tail(ks.proc.output()))
		}
		const want = `create True
locate True
length 32
state ACTIVE
secret True
destroy-active refused
get-destroyed refused
locate-destroyed []
`
		if d := cmp.Diff(want, out); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	})
}

// PyKMIP with an RSA certificate offers no cipher suite that Go has by default.
func TestPyKMIPWithRSA(t *testing.T) {
	t.Parallel()
	ks := newPyKMIP(t, true)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config).start().functions()
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	m.want("32", "SELECT keyring_key_length_fetch('k')")
	m.stop()
}
