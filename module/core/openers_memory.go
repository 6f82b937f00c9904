//go:build memorykeyring

package main

import (
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

// openers of the build for module/hosttest: keys in memory.
func openers() map[string]bridge.Opener {
	server := testring.New()
	return map[string]bridge.Opener{
		"component_keyring_kmip": server.Open,
		"component_keyring_kms":  server.Open,
	}
}
