package main

import (
	"context"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/perconakms"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// componentKMS is component_keyring_kms: keys in a file, each encrypted by AWS KMS, with
// the configuration of Percona Server's component of this name.
func componentKMS(req bridge.Request) (bridge.Config, error) {
	options, report, err := perconakms.Read(req.ComponentPath, req.InstancePath, config.Base(req.FirstDir))
	c, err := logReport(req, options.Status(), report, err)
	if err != nil {
		return c, err
	}
	o := options.Options
	if req.Quick {
		o.StartTimeout = min(o.StartTimeout, bridge.ContactTimeout*3/2)
	}
	awsTimeouts(&c, req, &o.AWS)
	c.OpenTimeout = o.StartTimeout + time.Second // which the back end keeps, and explains
	c.Open = func(ctx context.Context) (keyring.Keyring, error) { return opened(kmsfile.Open(ctx, o, req.Log)) }
	c.Wipe = func() { o.AWS.Credentials = nil }
	return c, nil
}

// awsTimeouts sets the limits of a keyring that asks AWS KMS.
func awsTimeouts(c *bridge.Config, req bridge.Request, o *awskms.Options) {
	if req.Quick {
		o.Timeout = min(o.Timeout, bridge.ContactTimeout)
	}
	// The write of a file goes with it.
	c.CallTimeout = o.Timeout + time.Second
}
