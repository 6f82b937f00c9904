//go:build memorykeyring

package main

import (
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

// dialects of the build for module/hosttest: keys in memory.
func dialects() map[string]bridge.Dialect {
	server := testring.New()
	return map[string]bridge.Dialect{
		"component_keyring_kmip": server.Configure,
		"component_keyring_kms":  server.Configure,
		"keyring_okv":            server.Configure,
		"keyring_aws":            server.Configure,
	}
}
