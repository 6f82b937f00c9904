package main

import (
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// keyringOKV is MySQL's plugin keyring_okv: keys that a KMIP server makes. The
// request's ComponentPath is the directory that keyring_okv_conf_dir names.
func keyringOKV(req bridge.Request) (bridge.Config, error) {
	options, report, err := okv.Read(req.ComponentPath)
	return kmipConfig(req, options.Options, options.Status(), report, err)
}
