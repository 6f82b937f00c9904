package bridge_test

import (
	"context"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/secret"
)

// cached has every key at hand.
type cached struct{ keyring.Keyring }

func (cached) Fetch(context.Context, keyring.ID) (keyring.Key, error) {
	return keyring.Key{Type: keyring.TypeAES, Data: secret.New(32)}, nil
}

func (cached) Close() error { return nil }

// BenchmarkFetch is what the bridge adds to a look-up in memory.
func BenchmarkFetch(b *testing.B) {
	ring := opens(func() keyring.Keyring { return cached{} })
	br := bridge.New(map[string]bridge.Dialect{component: ring})
	h, _ := br.Open(component, reload, nil)
	defer br.Close(h)
	if code := br.Load(h, bridge.Request{}, false); code != bridge.OK {
		b.Fatal(code)
	}
	data, typ := make([]byte, 64), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, code := br.Fetch(h, keyring.ID{Name: "k"}, data, typ); code != bridge.OK {
			b.Fatal(code)
		}
	}
}
