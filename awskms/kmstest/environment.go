package kmstest

import (
	"os"
	"strings"
)

// ClearEnvironment takes the variables of AWS out of the process's environment, for a
// TestMain: what the machine has set for its own use is no part of a test.
func ClearEnvironment() {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name) // it fails for no name that is in the environment
		}
	}
}
