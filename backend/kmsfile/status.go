package kmsfile

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// calls remembers how AWS KMS was last heard.
type calls struct {
	mu       sync.Mutex
	answered time.Time // the last call that succeeded
	failed   error     // the last call, if it failed
}

// seen takes note of how a call of AWS KMS ended, and returns its error.
func (r *Keyring) seen(err error) error {
	if errors.Is(err, context.Canceled) {
		return err // that was us
	}
	r.calls.mu.Lock()
	defer r.calls.mu.Unlock()
	r.calls.failed = err
	if err == nil {
		r.calls.answered = time.Now()
	}
	return err
}

// Status tells what is worth watching: the keys in memory, how AWS KMS is used, and why
// the last call failed, if it did.
func (r *Keyring) Status() []keyring.StatusRow {
	r.mu.RLock()
	keys, format := len(r.now.plain), r.now.format
	r.mu.RUnlock()
	r.calls.mu.Lock()
	answered, failed := r.calls.answered, r.calls.failed
	r.calls.mu.Unlock()
	last, cause := "<NONE>", "<NONE>"
	if !answered.IsZero() {
		last = answered.UTC().Format(time.DateTime + " UTC")
	}
	var kms *awskms.Error
	if errors.As(failed, &kms) {
		cause = kms.Error()
	}
	return []keyring.StatusRow{
		{Name: "Keys", Value: strconv.Itoa(keys)},
		{Name: "Data_file_format", Value: string(format)},
		{Name: "Kms_requests", Value: r.client.Counted()},
		{Name: "Kms_last_success", Value: last},
		{Name: "Kms_last_error", Value: cause},
	}
}
