package main

import (
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// logReport logs what the reader of a configuration has to say, and begins what a dialect
// returns. err is the reader's.
func logReport(req bridge.Request, status []keyring.StatusRow, report config.Report, err error) (bridge.Config, error) {
	for _, note := range report.Notes {
		req.Log.Info(note)
	}
	for _, warning := range report.Warnings {
		req.Log.Warn(warning)
	}
	if err != nil {
		return bridge.Config{Status: notApplicable(status)},
			keyring.E("read the configuration", keyring.ID{}, keyring.ErrInvalid, err)
	}
	req.Log.Info("the configuration is read", "file", report.File)
	return bridge.Config{Status: status}, nil
}

// opened makes a back end's answer one of an interface, without a typed nil.
func opened[K keyring.Keyring](k K, err error) (keyring.Keyring, error) {
	if err != nil {
		return nil, err
	}
	return k, nil
}

// notApplicable is what the status table shows of options that were not understood.
func notApplicable(rows []keyring.StatusRow) []keyring.StatusRow {
	for i := range rows {
		rows[i].Value = "<NOT APPLICABLE>"
	}
	return rows
}
