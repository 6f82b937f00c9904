// Package providertest is the suite that each masterkey.Provider passes.
package providertest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
)

// Test runs the suite on a provider that makes keys. missing is a Ref of a key that is
// not there.
func Test(t *testing.T, p masterkey.Provider, missing masterkey.Ref) {
	ctx := t.Context()
	key, ref, err := p.Create(ctx, "providertest 1")
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	if key.Len() != masterkey.Size || ref.Provider != p.Name() || ref.ID == "" {
		t.Errorf("Create: %d bytes, %+v", key.Len(), ref)
	}
	other, otherRef, err := p.Create(ctx, "providertest 2")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Wipe()
	if other.Equal(key) || otherRef.ID == ref.ID && string(otherRef.Blob) == string(ref.Blob) {
		t.Error("two keys are one")
	}
	for range 2 { // an Active one stays so
		if err := p.Activate(ctx, ref); err != nil {
			t.Errorf("Activate: %v", err)
		}
		if state, err := p.State(ctx, ref); err != nil || state != masterkey.Active {
			t.Errorf("State: %s, %v", state, err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, again, err := p.Read(ctx, ref)
			if err != nil || !got.Equal(key) || again.ID != ref.ID || again.Provider != p.Name() {
				t.Errorf("Read: %+v, %v", again, err)
			}
			got.Wipe()
		})
	}
	wg.Wait()
	if _, _, err := p.Read(ctx, missing); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Read of what is not there: %v", err)
	}
	if _, err := p.Find(ctx, "nothing of this name"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Find of what is not there: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := p.Read(ended, ref); err == nil || errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("Read with a context that has ended: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Read(ctx, ref); p.Name() != masterkey.KeyFile && (err == nil || errors.Is(err, keyring.ErrNotFound)) {
		t.Errorf("Read after Close: %v", err)
	}
}
