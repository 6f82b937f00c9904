//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// `make run DB=wiredtiger` shows the life of a master key, and does it again.
func TestMakeRunWiredTiger(t *testing.T) {
	t.Parallel()
	env := []string{"DB=wiredtiger", "DBKEYRING_RUN=" + tempDir(t), fmt.Sprint("KMIP_PORT=", freePort(t))}
	for round := range 2 {
		out, err := script(t, env, "run")
		if err != nil {
			t.Fatalf("round %d: %v: %s", round, err, out)
		}
		for _, want := range []string{"table read back, by another process: 'only with the key server'", "not to be found in any file", "the master key has been rotated, from '",
			": Compromised\n", "the next start: is refused", "is not Active but Compromised. If it was revoked on purpose", "Operation not permitted", "entry=dbkeyring_wt_11_3", "\nstop:     make stop\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("round %d lacks %q:\n%s", round, want, out)
			}
		}
		if strings.Contains(out, "PRIVATE KEY") {
			t.Error("it shows a private key")
		}
	}
	if out, err := script(t, env, "stop"); err != nil || !strings.Contains(out, "stopped keyserver") {
		t.Errorf("stop: %v: %s", err, out)
	}
}
