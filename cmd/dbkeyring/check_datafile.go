package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// dataFile looks at the file with the keys, and opens it for reading unless it is known
// that nobody would decrypt them.
func (k *checkup) dataFile(c *anyconf.Conf, open bool) {
	file := c.DataFile()
	info, err := os.Stat(file)
	if err != nil {
		folder := filepath.Dir(file)
		if _, err := os.Stat(folder); err != nil && c.AWS == nil { // which makes it
			k.find(finding{Level: levelFail, File: file, Problem: "there is no folder " + folder + " to make it in", Cure: "Make the folder, owned by the user of the database, or correct the path."})
			return
		}
		k.find(finding{Level: levelWarn, File: file, Problem: "there is no such file: the keyring is empty", Cure: "The server makes it with the first key; if there were keys, correct the path."})
		return
	}
	k.file(file)
	if c.File != nil && info.Mode()&0o007 != 0 { // where keys are encrypted, the reader of the configuration warns
		k.find(finding{Level: levelWarn, File: file, Problem: "everyone on this host can read or change the keys", Cure: "chmod o-rwx " + file})
	}
	if !open {
		return
	}
	ring, err := c.Open(k.p.ctx, true, slog.New(slog.DiscardHandler))
	if err != nil {
		k.find(finding{Level: levelFail, File: file, Problem: "it cannot be opened: " + cause(err)}) // with its cure
		return
	}
	defer ring.Close()
	ids, err := ring.List(k.p.ctx)
	if err != nil {
		k.find(finding{Level: levelFail, File: file, Problem: cause(err)})
		return
	}
	k.what("%d keys in %s", len(ids), file)
	if c.AWS != nil {
		k.readable(ring, ids, file)
	}
}

// fetchesAtOnce is how many keys AWS KMS is asked for at a time.
const fetchesAtOnce = 32

// readable reads every key. The KMS key that encrypted one need not be the configured one.
func (k *checkup) readable(ring keyring.Keyring, ids []keyring.ID, file string) {
	group, ctx := errgroup.WithContext(k.p.ctx)
	group.SetLimit(fetchesAtOnce)
	errs := make([]error, len(ids))
	for i, id := range ids {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil // an outage is told once
			}
			key, err := ring.Fetch(ctx, id)
			key.Wipe()
			errs[i] = err
			if isOutage(err) && ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		k.find(finding{Level: levelFail, File: file, Problem: "its keys cannot be read: " + cause(err)})
		return
	}
	bad := 0
	var first string
	for i, err := range errs {
		if err == nil {
			continue
		}
		if bad++; bad == 1 {
			first = fmt.Sprintf("%s: %s", printableID(ids[i]), cause(err))
		}
	}
	if bad > 0 {
		k.find(finding{Level: levelFail, File: file, Problem: fmt.Sprintf("%d of its %d keys cannot be read; the first is %s", bad, len(ids), first)})
	}
}
