package main

import (
	"context"
	"time"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// componentKMIP is component_keyring_kmip: Percona's configuration, keys on KMIP
// servers.
func componentKMIP(req bridge.Request) (bridge.Config, error) {
	options, report, err := percona.Read(req.ComponentPath, req.InstancePath, config.Base(req.FirstDir))
	for _, note := range report.Notes {
		req.Log.Info(note)
	}
	for _, warning := range report.Warnings {
		req.Log.Warn(warning)
	}
	if err != nil {
		return bridge.Config{Status: notApplicable(options.Status())},
			keyring.E("read the configuration", keyring.ID{}, keyring.ErrInvalid, err)
	}
	req.Log.Info("the configuration is read", "file", report.File)
	o := options.Options
	servers := time.Duration(len(o.Servers))
	if req.Quick {
		o.Timeout = min(o.Timeout, bridge.ContactTimeout/servers)
	}
	return bridge.Config{
		Status: options.Status(),
		// An exchange may have to go round the servers; the last one may be the good one.
		CallTimeout: o.Timeout * (servers + 1),
		Open:        func(ctx context.Context) (keyring.Keyring, error) { return kmip.Open(ctx, o, req.Log) },
		Wipe:        options.Wipe,
	}, nil
}

// notApplicable is what the status table shows of options that were not understood.
func notApplicable(rows []keyring.StatusRow) []keyring.StatusRow {
	for i := range rows {
		rows[i].Value = "<NOT APPLICABLE>"
	}
	return rows
}
