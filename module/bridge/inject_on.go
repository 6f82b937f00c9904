//go:build faultinject

package bridge

import (
	"os"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// inject panics where a test wants it: in a call about a key whose name starts
// with "dbkeyring-panic", or in every call that the environment variable
// DBKEYRING_PANIC names, such as "store" or "load". Shipped builds have neither.
func inject(op string, id keyring.ID) {
	if strings.HasPrefix(id.Name, "dbkeyring-panic") || os.Getenv("DBKEYRING_PANIC") == op {
		panic(injected("injected panic in " + op))
	}
}
