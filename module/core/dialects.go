//go:build !memorykeyring

package main

import "github.com/dbkeyring/dbkeyring/module/bridge"

// dialects lists the components and plugins that this library serves.
func dialects() map[string]bridge.Dialect {
	return map[string]bridge.Dialect{
		"component_keyring_kmip": componentKMIP,
		"component_keyring_kms":  componentKMS,
		"keyring_aws":            keyringAWS,
		"keyring_okv":            keyringOKV,
	}
}
