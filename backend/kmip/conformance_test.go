package kmip_test

import (
	"fmt"
	"strings"
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

func limitsOf(n int) keyringtest.Limits {
	return keyringtest.Limits{
		Types: []string{keyring.TypeAES, keyring.TypeSecret},
		TooLong: []keyring.ID{
			{Name: strings.Repeat("n", n+1)},
			{Name: strings.Repeat("ü", n/6)},
			{Name: "n", Owner: strings.Repeat("o", n)},
		},
	}
}

func TestConformance_OurServer(t *testing.T) { conforms(t, limits) }

// Where a server has no 1.x, 2.x does as well.
func TestConformance_OurServerOf2(t *testing.T) {
	for _, v := range []kmip.Version{kmip.V2_0, kmip.V2_1} {
		t.Run(v.String(), func(t *testing.T) {
			l := limits
			l.Slow = true
			conforms(t, l, keyservertest.WithVersions(v))
		})
	}
}

func conforms(t *testing.T, limits keyringtest.Limits, options ...keyservertest.Option) {
	server := keyservertest.New(t, options...)
	var endpoints atomic.Int32
	keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
		cert, key := server.NewClient(fmt.Sprintf("mysql%d", endpoints.Add(1)))
		o := backend.Options{
			Servers: []string{server.Addr}, ClientCertFile: cert, ClientKeyFile: key, ServerCAFile: server.CAFile, Timeout: 20 * time.Second,
		}
		return func() keyring.Keyring { return open(t, o, &buffer{}) }
	}, limits)
}

// Servers in the field differ in what they can; keys are the same on all of them.
func TestConformance_Habits(t *testing.T) {
	for name, habit := range map[string]func(*kmiptest.Keeper){
		"Lenient":      nil,
		"UniqueNames":  func(k *kmiptest.Keeper) { k.UniqueNames = true },
		"Only10":       func(k *kmiptest.Keeper) { k.Versions, k.NoDiscover = []kmip.Version{kmip.V1_0}, true },
		"Only20":       func(k *kmiptest.Keeper) { k.Versions, k.HangsUp = []kmip.Version{kmip.V2_0}, true },
		"NoBatches":    func(k *kmiptest.Keeper) { k.NoBatches = true },
		"ShortBatches": func(k *kmiptest.Keeper) { k.MaxBatch = 3 },
		"ShortPages":   func(k *kmiptest.Keeper) { k.PageLimit = 2 },
		"DropsNames":   func(k *kmiptest.Keeper) { k.DropsNames = true },
		"NoPaging":     func(k *kmiptest.Keeper) { k.IgnoresOffset, k.HidesCount = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			l := limits
			l.Slow = name != "Lenient"
			keyringtest.Test(t, func(t testing.TB) func() keyring.Keyring {
				w := newWorld(t, habit)
				return w.open
			}, l)
		})
	}
}
