package kmip_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyring/keyringtest"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// limitsOKV are those of the okv profile.
func limitsOKV() keyringtest.Limits {
	l := limits
	l.AESSizes = []int{16, 24, 32}
	return l
}

// newOKV is a world whose keyring has the profile okv.
func newOKV(t testing.TB, change func(*kmiptest.Keeper)) *world {
	w := newWorld(t, change)
	w.o.Profile = backend.ProfileOKV
	return w
}

func TestOKV_Conformance_OurServer(t *testing.T) {
	server := keyservertest.New(t)
	var endpoints atomic.Int32
	for _, noCache := range []bool{false, true} {
		for _, version := range []string{"", "1.4"} {
			t.Run(fmt.Sprintf("NoCache=%t,Version=%s", noCache, version), func(t *testing.T) {
				l := limitsOKV()
				l.Slow = noCache != (version == "")
				keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
					cert, key := server.NewClient(fmt.Sprintf("mysql%d", endpoints.Add(1)))
					o := backend.Options{
						Profile: backend.ProfileOKV, NoCache: noCache, ProtocolVersion: version,
						Servers: []string{server.Addr}, ClientCertFile: cert, ClientKeyFile: key, ServerCAFile: server.CAFile, Timeout: 20 * time.Second,
					}
					return func() keyring.Keyring { return open(t, o, &buffer{}) }
				}, l)
			})
		}
	}
}

func TestNoCache_Conformance_Percona(t *testing.T) {
	l := limits
	l.Slow = true
	keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
		w := newWorld(t, nil)
		w.o.NoCache = true
		return w.open
	}, l)
}

func TestOKV_Conformance_Habits(t *testing.T) {
	for name, habit := range map[string]func(*kmiptest.Keeper){
		"Lenient":       nil,
		"UniqueNames":   func(k *kmiptest.Keeper) { k.UniqueNames = true },
		"NoBatches":     func(k *kmiptest.Keeper) { k.NoBatches = true },
		"ShortPages":    func(k *kmiptest.Keeper) { k.PageLimit = 2 },
		"DropsNames":    func(k *kmiptest.Keeper) { k.DropsNames = true },
		"NoAdd":         func(k *kmiptest.Keeper) { k.NoAdd = true },
		"NoCustom":      func(k *kmiptest.Keeper) { k.NoCustom = true },
		"NoAddNoCustom": func(k *kmiptest.Keeper) { k.NoAdd, k.NoCustom = true, true },
		"NoQuery":       func(k *kmiptest.Keeper) { k.NoQuery = true },
		"NoRNG":         func(k *kmiptest.Keeper) { k.NoRNG = true },
	} {
		t.Run(name, func(t *testing.T) {
			l := limitsOKV()
			l.Slow = name != "Lenient"
			keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
				w := newOKV(t, habit)
				return w.open
			}, l)
		})
	}
}

// A server without Application Specific Information has no room for the type's
// spelling, and keeps the keys all the same.
func TestOKV_NoInformation(t *testing.T) {
	for _, noAdd := range []bool{false, true} {
		w := newOKV(t, func(k *kmiptest.Keeper) { k.NoInformation, k.NoAdd = true, noAdd })
		k := w.open()
		for typ, id := range map[string]keyring.ID{"AES": {Name: "a"}, "SECRET": {Name: "s", Owner: "o"}} {
			if err := k.Generate(t.Context(), id, typ, 32); err != nil {
				t.Fatal(err)
			}
			_, content, err := fetch(t, k, id)
			if err != nil {
				t.Fatal(err)
			}
			mustHave(t, w.open(), id, typ, content)
		}
		if n := len(w.keeper.IDs()); n != 2 {
			t.Errorf("%d objects", n)
		}
	}
	_ = kmip.V1_1
}
