//go:build !memorykeyring

package main

import "github.com/dbkeyring/dbkeyring/module/bridge"

// openers lists the components that this library serves.
func openers() map[string]bridge.Opener {
	return map[string]bridge.Opener{}
}
