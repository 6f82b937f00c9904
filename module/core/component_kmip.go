package main

import (
	"context"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/enterprise"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// componentKMIP is component_keyring_kmip: keys on KMIP servers, with the
// configuration of Percona Server's component of this name or MySQL Enterprise's.
func componentKMIP(req bridge.Request) (bridge.Config, error) {
	if config.IsEnterpriseAt(req.ComponentPath, req.InstancePath, config.Base(req.FirstDir)) {
		options, report, err := enterprise.Read(req.ComponentPath, req.InstancePath, config.Base(req.FirstDir))
		return kmipConfig(req, options.Options, options.Status(), report, err)
	}
	options, report, err := percona.Read(req.ComponentPath, req.InstancePath, config.Base(req.FirstDir))
	return kmipConfig(req, options.Options, options.Status(), report, err)
}

// kmipConfig is what all dialects that end in KMIP options have in common.
func kmipConfig(req bridge.Request, o backend.Options, status []keyring.StatusRow, report config.Report, err error) (bridge.Config, error) {
	c, err := logReport(req, status, report, err)
	if err != nil {
		return c, err
	}
	servers := time.Duration(len(o.Servers))
	switch {
	case req.Quick && o.ConnectTimeout > 0: // attempts to connect overlap
		o.ConnectTimeout = min(o.ConnectTimeout, bridge.ContactTimeout)
		o.Timeout = min(o.Timeout, bridge.ContactTimeout)
		o.StartTimeout = min(o.StartTimeout, bridge.ContactTimeout*3/2)
	case req.Quick:
		o.Timeout = min(o.Timeout, bridge.ContactTimeout/servers)
	}
	// An exchange may have to go round the servers; the last one may be the good one.
	call := o.Timeout * (servers + 1)
	if o.ConnectTimeout > 0 {
		call = o.ConnectTimeout + 2*o.Timeout
	}
	c.CallTimeout = call
	c.Open = func(ctx context.Context) (keyring.Keyring, error) { return backend.Open(ctx, o, req.Log) }
	c.Wipe = func() { o.ClientKeyPassword.Wipe() }
	return c, nil
}
