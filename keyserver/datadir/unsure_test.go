package datadir

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// failing is a store on a disk that fails at some commits: before or after they are made.
type failing struct {
	store.Store
	faults []fault // of the next commits, one after the other
}

type fault int

const (
	none fault = iota
	before
	after
)

var errDisk = errors.New("input/output error")

func (f *failing) Update(ctx context.Context, fn func(store.Writer) error) error {
	now := none
	if len(f.faults) > 0 {
		now, f.faults = f.faults[0], f.faults[1:]
	}
	if now == before {
		return errDisk
	}
	if err := f.Store.Update(ctx, fn); err != nil || now == none {
		return err
	}
	return errDisk
}

// TestRotateRootKey_DiskFails: whichever root key the store names at the next start is there.
func TestRotateRootKey_DiskFails(t *testing.T) {
	for name, tt := range map[string]struct {
		faults  []fault
		rotated bool // and the old root key is gone
		unsure  bool // and nothing more is tried
	}{
		"nothing is written":           {[]fault{before}, false, false},
		"written all the same":         {[]fault{after}, true, false},
		"written, and fails once more": {[]fault{after, before}, false, true},
		"written twice, and no sign":   {[]fault{after, after}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			d, _, err := OpenOrCreate(t.Context(), path, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			file := d.file(rootKeyFile)
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d.raw = &failing{Store: d.raw, faults: tt.faults}
			rotate := func() error {
				_, _, err := d.RotateRootKey(t.Context(), rootkey.Settings{Kind: rootkey.KindFile}, nil)
				return err
			}
			if err := rotate(); (err == nil) != tt.rotated || errors.Is(err, errUnsure) != tt.unsure {
				t.Errorf("the rotation: %v", err)
			}
			if now, err := os.ReadFile(file); err != nil || (string(now) != string(old)) != tt.rotated {
				t.Errorf("the old root key was kept, or not, against the result: %v", err)
			}
			next, _ := os.ReadFile(file + ".next")
			if err := rotate(); (err == nil) == tt.unsure {
				t.Errorf("the next rotation: %v", err)
			}
			if left, err := os.ReadFile(file + ".next"); tt.unsure && (err != nil || string(left) != string(next)) {
				t.Errorf("the next rotation wrote over the root key that may count: %v", err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			d, err = Open(t.Context(), path, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatalf("the next start: %v", err)
			}
			if err := rotate(); err != nil {
				t.Errorf("a rotation after it: %v", err)
			}
			d.Close()
		})
	}
}
