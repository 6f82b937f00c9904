//go:build e2e

package keyserver_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// python is Debian's own: another one in the PATH does not have its packages.
const python = "/usr/bin/python3"

// TestPyKMIPClient runs PyKMIP's client against our server, at each version and,
// as that client does, over TLS 1.2.
func TestPyKMIPClient(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", "import kmip").CombinedOutput(); err != nil {
		if os.Getenv("DBKEYRING_SKIP_MISSING") == "1" {
			t.Skip("PyKMIP is missing")
		}
		t.Fatalf("no PyKMIP for %s: `apt-get install python3-pykmip`. (DBKEYRING_SKIP_MISSING=1 skips the tests that need it.) %s", python, out)
	}
	for _, v := range kmip.Versions() {
		if v == kmip.V2_1 {
			continue // which PyKMIP does not know
		}
		t.Run(v.String(), func(t *testing.T) {
			s := keyservertest.New(t)
			cert, key := s.NewClient("pykmip")
			host, port, err := net.SplitHostPort(s.Addr)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, python, "-W", "ignore", "testdata/pykmip_client.py", host, port, cert, key, s.CAFile, v.String()).CombinedOutput()
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "done") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
