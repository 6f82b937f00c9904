package main

import (
	"context"

	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// keyringAWS is MySQL's plugin keyring_aws: keys that AWS KMS makes, in a file, each
// encrypted by it. The request's ComponentPath is the text of the plugin's variables.
func keyringAWS(req bridge.Request) (bridge.Config, error) {
	options, report, err := keyringaws.Read(req.ComponentPath, config.Base(req.FirstDir))
	c, err := logReport(req, options.Status(), report, err)
	if err != nil {
		return c, err
	}
	o := options.Options
	if o.KeyID == "" {
		req.Log.Warn(keyringaws.VariableKey + " has to be set before a key can be made or stored: SET GLOBAL " + keyringaws.VariableKey + " = 'arn:aws:kms:...', and write it into the option file")
	}
	awsTimeouts(&c, req, &o.AWS)
	c.Open = func(ctx context.Context) (keyring.Keyring, error) { return opened(kmsdata.Open(ctx, o, req.Log)) }
	c.Wipe = func() { o.AWS.Credentials = nil }
	return c, nil
}
