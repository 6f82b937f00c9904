package datadir

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// auditBucket has heads of the audit log's chain, sealed with all else: number of the
// line, in 20 digits → audit.Head as JSON. Who can write the log cannot write them.
const auditBucket store.Bucket = "audit"

// maxHeads is how many heads are kept, the newest: at one each ten minutes some two months.
const maxHeads = 8192

// KeepAuditHead keeps the present end of the audit log, if it is a new one, so that a log
// that is cut off before it, or made anew, is told from the true one.
func (d *Dir) KeepAuditHead(ctx context.Context) error {
	d.auditMu.Lock()
	defer d.auditMu.Unlock()
	head, err := d.Audit.Head()
	if err != nil || head.Seq == 0 || head == d.auditHead {
		return err
	}
	value, err := json.Marshal(head)
	if err != nil {
		return err
	}
	err = d.Store.Update(ctx, func(w store.Writer) error {
		if err := w.Put(auditBucket, headKey(head.Seq), value); err != nil {
			return err
		}
		var all []string
		if err := w.Range(auditBucket, "", func(key string, _ []byte) error {
			all = append(all, key)
			return nil
		}); err != nil {
			return err
		}
		for _, old := range all[:max(0, len(all)-maxHeads)] {
			if err := w.Delete(auditBucket, old); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep the end of the audit log: %w", err)
	}
	d.auditHead = head
	return nil
}

func headKey(seq uint64) string { return fmt.Sprintf("%020d", seq) }

// AuditHeads returns the heads that were kept, the oldest first.
func (d *Dir) AuditHeads() ([]audit.Head, error) { return auditHeads(d.Store) }

func auditHeads(s store.Store) (heads []audit.Head, err error) {
	err = s.View(func(r store.Reader) error {
		return r.Range(auditBucket, "", func(_ string, value []byte) error {
			var h audit.Head
			if err := json.Unmarshal(value, &h); err != nil {
				return err
			}
			heads = append(heads, h)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the heads of the audit log: %w", err)
	}
	return heads, nil
}
