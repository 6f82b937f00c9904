package kmsdata_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// many is a place with n keys.
func many(t *testing.T, n int) (*place, *kmsdata.Keyring, []string) {
	t.Helper()
	p := newPlace(t)
	r := p.open()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("k", i))
		if err := store(r, names[i]); err != nil {
			t.Fatal(err)
		}
	}
	return p, r, names
}

func (p *place) reEncrypted() int { return p.kms.Requests()["ReEncrypt"] }

// All keys go under the new KMS key: the file changes, the keys do not, and the old KMS
// key is not needed any more.
func TestRewrap(t *testing.T) {
	p, r, names := many(t, 40)
	old, before := p.KeyID, p.text()
	r.Close()
	p.KeyID = p.kms.NewKey(kmstest.Region)
	r = p.open()
	var last, total atomic.Int64
	if err := r.Rewrap(context.Background(), func(done, of int) { last.Store(int64(done)); total.Store(int64(of)) }); err != nil {
		t.Fatal(err)
	}
	if last.Load() != 40 || total.Load() != 40 || p.reEncrypted() != 40 {
		t.Errorf("progress %d of %d, %d requests", last.Load(), total.Load(), p.reEncrypted())
	}
	after := p.text()
	for line := range strings.Lines(before) {
		if strings.Contains(after, line) {
			t.Errorf("a line is as before: %s", line)
		}
	}
	if strings.Contains(after, old) || strings.Count(after, p.KeyID) != 40 {
		t.Error("not all keys are under the new KMS key")
	}
	p.kms.SetState(old, "Disabled")
	holds(t, r, names...)
	holds(t, p.also().open(), names...)
	if _, err := os.Stat(p.DataFile + ".rotating"); err == nil {
		t.Error("the notes are left behind")
	}
	if err := r.Rewrap(context.Background(), nil); err != nil { // under the same KMS key
		t.Error(err)
	}
	holds(t, r, names...)
}

// An interrupted rotation leaves the file as it is. The next one asks only for what is
// missing, whatever was stored and removed in between.
func TestRewrap_Resumed(t *testing.T) {
	p, r, names := many(t, 40)
	before := p.text()
	p.kms.SetBefore(func(op string, n int) *kmstest.Fault {
		if op == "ReEncrypt" && n >= 25 {
			return &kmstest.Fault{Code: "DisabledException", Message: "it is disabled"}
		}
		return nil
	})
	err := r.Rewrap(context.Background(), nil)
	kind(t, "Rewrap", err, keyring.ErrInactive)
	if p.text() != before {
		t.Error("an interrupted rotation has changed the file")
	}
	holds(t, r, names...)
	p.kms.SetBefore(nil)
	if err := r.Remove(context.Background(), id("k39")); err != nil {
		t.Fatal(err)
	}
	if err := store(r, "late"); err != nil {
		t.Fatal(err)
	}
	r.Close()
	r = p.open()
	done := p.reEncrypted()
	if err := r.Rewrap(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	// Up to 16 answers were under way when the error came.
	if n := p.reEncrypted() - done; n < 14 || n > 15+16 {
		t.Errorf("%d keys were asked for again, and 25 of 40 were done", n)
	}
	if !strings.Contains(p.log.String(), "an interrupted rotation of the keys is continued") {
		t.Error(p.log.String())
	}
	holds(t, r, append(names[:39:39], "late")...)
}

// Notes about another KMS key, older material, or of damaged lines do not count.
func TestRewrap_StaleNotes(t *testing.T) {
	interrupt := func(p *place, r *kmsdata.Keyring) {
		t.Helper()
		p.kms.SetBefore(func(op string, n int) *kmstest.Fault {
			if op == "ReEncrypt" && n >= 5 {
				return &kmstest.Fault{Code: "DisabledException", Message: "it is disabled"}
			}
			return nil
		})
		if err := r.Rewrap(context.Background(), nil); err == nil {
			t.Fatal("it was not interrupted")
		}
		p.kms.SetBefore(nil)
	}
	for name, change := range map[string]func(p *place, r *kmsdata.Keyring){
		"another KMS key": func(p *place, _ *kmsdata.Keyring) { p.KeyID = p.kms.NewKey(kmstest.Region) },
		"new material": func(p *place, r *kmsdata.Keyring) {
			if _, err := r.RotateMasterKey(context.Background()); err != nil {
				t.Fatal(err)
			}
		},
		"damaged": func(p *place, _ *kmsdata.Keyring) {
			b, err := os.ReadFile(p.DataFile + ".rotating")
			if err != nil {
				t.Fatal(err)
			}
			damaged := strings.ReplaceAll(string(b), `"data":"`, `"data":"AAAA`)
			if err := os.WriteFile(p.DataFile+".rotating", []byte(damaged), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"another file's": func(p *place, _ *kmsdata.Keyring) {
			if err := os.WriteFile(p.DataFile+".rotating", []byte("garbage\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, r, names := many(t, 10)
			interrupt(p, r)
			change(p, r)
			r.Close()
			r = p.open()
			if err := r.Rewrap(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			// What this keyring has asked, since what was under way at the interruption may
			// reach AWS KMS only now.
			if !slices.ContainsFunc(r.Status(), func(row keyring.StatusRow) bool {
				return row.Name == "Kms_requests" && strings.Contains(row.Value, "ReEncrypt 10)")
			}) {
				t.Errorf("not all 10 keys were asked for: %v", r.Status())
			}
			holds(t, r, names...)
		})
	}
}

// Keys are stored, removed and read while all are encrypted anew.
func TestRewrap_Beside(t *testing.T) {
	p, r, names := many(t, 20)
	stop := make(chan struct{})
	done := make(chan error)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			name := fmt.Sprint("beside", i%3)
			if err = store(r, name); err == nil {
				err = r.Remove(context.Background(), id(name))
			}
		}
		done <- err
	}()
	for range 5 {
		if err := r.Rewrap(context.Background(), nil); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
	holds(t, r, names...)
	holds(t, p.also().open(), names...)
}

// The report tells how many of the rotations on demand are used up, and what happens when
// all are.
func TestRotateMasterKey(t *testing.T) {
	p, r, names := many(t, 2)
	before := p.text()
	for n := 1; n <= 25; n++ {
		report, err := r.RotateMasterKey(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d of its 25 rotations on demand are used", n); !strings.Contains(report, want) {
			t.Errorf("%q, want %q", report, want)
		}
	}
	if p.kms.Materials(p.KeyID) != 26 || p.text() != before {
		t.Errorf("%d materials", p.kms.Materials(p.KeyID))
	}
	holds(t, r, names...)
	_, err := r.RotateMasterKey(context.Background())
	if err == nil || !strings.Contains(err.Error(), "LimitExceededException") {
		t.Errorf("the 26th: %v", err)
	}
}
