package kmip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// pair is a world with a primary and a standby that do not know of each other's
// objects, as if the standby lagged behind for good.
type pair struct {
	*world
	primary, standby *faultnet.Proxy
	behind           *kmiptest.Keeper // the standby's
}

func newPair(t *testing.T) *pair {
	w := newWorld(t, nil)
	behind := &kmiptest.Keeper{}
	second := kmiptest.NewServer(t, w.ca.ServerConfig(w.ca.Server()), behind.Handle)
	p := &pair{w, faultnet.New(t, w.server.Addr), faultnet.New(t, second.Addr), behind}
	w.o.Servers, w.o.Timeout = []string{p.primary.Addr(), p.standby.Addr()}, 500*time.Millisecond
	return p
}

func mustBe(t testing.TB, kind, err error, what string) {
	t.Helper()
	if keyring.KindOf(err) != kind {
		t.Errorf("%s: %v, not %v", what, err, kind)
	}
}

func inUse(t testing.TB, k keyring.Keyring, server string) {
	t.Helper()
	if rows := fmt.Sprint(k.(keyring.StatusReporter).Status()); !strings.Contains(rows, "{Server_in_use "+server+"}") {
		t.Errorf("in use is not %s: %s", server, rows)
	}
}

// A standby that lacks a key is no proof that there is none.
func TestStandby_Lags(t *testing.T) {
	p := newPair(t)
	id := keyring.ID{Name: "late"}
	p.primary.Set(faultnet.Refuse())
	k := p.open()
	inUse(t, k, p.standby.Addr())
	uid := p.add("late", bytesOf(32, 1), kmip.StateActive)
	_, _, err := fetch(t, k, id)
	mustBe(t, keyring.ErrNotFound, err, "the only one that answers says no, and nothing here knows better")

	p.primary.Set(faultnet.Pass())
	mustBe(t, keyring.ErrExists, k.Generate(t.Context(), id, "AES", 16), "Generate of what the primary has")
	mustHave(t, k, id, "AES", bytesOf(32, 1))
	inUse(t, k, p.primary.Addr())
	if n := p.behind.Operations(kmip.OpRegister); n != 0 {
		t.Errorf("%d keys were made on the standby", n)
	}

	// With the primary gone the key is served from memory through a Reload, and is
	// neither removed nor made again.
	p.primary.Set(faultnet.Refuse())
	if err := k.(keyring.Reloader).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	inUse(t, k, p.standby.Addr())
	mustHave(t, k, id, "AES", bytesOf(32, 1))
	mustBe(t, keyring.ErrUnreachable, k.Remove(t.Context(), id), "Remove")
	mustBe(t, keyring.ErrExists, k.Generate(t.Context(), id, "AES", 16), "Generate")
	if state, err := k.(keyring.StateReporter).KeyState(t.Context(), id); keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("%q, %v", state, err)
	}
	if err := k.(keyring.Reloader).Reload(t.Context()); err != nil { // it is not forgotten by a second one
		t.Fatal(err)
	}
	mustHave(t, k, id, "AES", bytesOf(32, 1))
	if ids, err := k.List(t.Context()); err != nil || len(ids) != 1 {
		t.Errorf("%v, %v", ids, err)
	}

	// When all answer, the key's state and its end are told.
	p.primary.Set(faultnet.Pass())
	p.keeper.SetState(uid, kmip.StateDeactivated)
	if state, err := k.(keyring.StateReporter).KeyState(t.Context(), id); state != kmip.StateDeactivated.String() {
		t.Errorf("%q, %v", state, err)
	}
	p.keeper.Delete(uid)
	if err := k.(keyring.Reloader).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err = fetch(t, k, id)
	mustBe(t, keyring.ErrNotFound, err, "no server has it any more")
	if ids, err := k.List(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("%v, %v", ids, err)
	}
}

// A key is removed where it is, and nothing else that has its identifier.
func TestStandby_Remove(t *testing.T) {
	p := newPair(t)
	p.primary.Set(faultnet.Refuse())
	k := p.open()
	uid := p.add("k", bytesOf(32, 1), kmip.StateActive)
	d := secret.Copy(bytesOf(32, 2))
	defer d.Wipe()
	if other := p.behind.Add(kmip.SymmetricKey(kmip.AlgorithmAES, d), kmip.StateActive, kmip.NameAttribute("other")); other != uid {
		t.Fatalf("the standby's object is %s, not %s", other, uid)
	}
	p.primary.Set(faultnet.Pass())
	if err := k.Remove(t.Context(), keyring.ID{Name: "k"}); err != nil {
		t.Fatal(err)
	}
	if len(p.keeper.IDs()) != 0 || len(p.behind.IDs()) != 1 {
		t.Errorf("left: %v, %v", p.keeper.IDs(), p.behind.IDs())
	}
}

// The primary dies in the middle of a removal: on the standby the object's
// identifier is another key's, which nobody touches.
func TestStandby_RemoveCut(t *testing.T) {
	p := newPair(t)
	uid := p.add("k", bytesOf(32, 1), kmip.StateActive)
	d := secret.Copy(bytesOf(32, 2))
	defer d.Wipe()
	if other := p.behind.Add(kmip.SymmetricKey(kmip.AlgorithmAES, d), kmip.StateActive, kmip.NameAttribute("other")); other != uid {
		t.Fatalf("the standby's object is %s, not %s", other, uid)
	}
	k, id := p.open(), keyring.ID{Name: "k"}
	p.keeper.Hook(nil, func(done kmip.Payload) error {
		if done.Operation() == kmip.OpRevoke {
			p.primary.Set(faultnet.Refuse())
		}
		return nil
	})
	mustBe(t, keyring.ErrUnreachable, k.Remove(t.Context(), id), "Remove")
	if p.behind.Operations(kmip.OpRevoke)+p.behind.Operations(kmip.OpDestroy) != 0 || len(p.behind.IDs()) != 1 {
		t.Errorf("the standby was told to remove something: %v", p.behind.IDs())
	}
	p.keeper.Hook(nil, nil)
	p.primary.Set(faultnet.Pass())
	if err := k.Remove(t.Context(), id); err != nil || len(p.keeper.IDs()) != 0 {
		t.Errorf("%v, left: %v", err, p.keeper.IDs())
	}
}

// A server that neither has the key nor says that it has not spoils "absent".
func TestStandby_Refuses(t *testing.T) {
	p := newPair(t)
	k := p.open()
	p.behind.Hook(func(op kmip.Payload) error {
		if op.Operation() == kmip.OpLocate {
			return kmip.Errorf(kmip.ReasonPermissionDenied, "not you")
		}
		return nil
	}, nil)
	_, _, err := fetch(t, k, keyring.ID{Name: "k"})
	if mustBe(t, keyring.ErrDenied, err, "Fetch"); !strings.Contains(err.Error(), p.standby.Addr()) {
		t.Errorf("%v names another server", err)
	}
	if k.Generate(t.Context(), keyring.ID{Name: "k"}, "AES", 16) == nil || len(p.keeper.IDs()) != 0 {
		t.Errorf("a key was made: %v", p.keeper.IDs())
	}
}

// Standbys that are dead do not keep anybody from making keys, and cost a time
// that is bounded.
func TestStandby_Dead(t *testing.T) {
	for name, mode := range map[string]faultnet.Mode{"refuses": faultnet.Refuse(), "frozen": faultnet.Freeze()} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.standby.Set(mode)
			k := p.open()
			for i := range 3 {
				id := keyring.ID{Name: fmt.Sprint("k", i)}
				started := time.Now()
				_, _, err := fetch(t, k, id)
				mustBe(t, keyring.ErrNotFound, err, "Fetch")
				if err := k.Generate(t.Context(), id, "AES", 32); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(started); took > 3*time.Second {
					t.Errorf("it took %v", took)
				}
			}
			if n := p.keeper.Operations(kmip.OpRegister); n != 3 {
				t.Errorf("%d keys", n)
			}
		})
	}
}

// The primary makes a key, and dies before it says so: there is no second key on
// the standby, and the first is found when the primary is back.
func TestStandby_LostRegister(t *testing.T) {
	for _, op := range []kmip.Operation{kmip.OpRegister, kmip.OpActivate} {
		t.Run(op.String(), func(t *testing.T) {
			p := newPair(t)
			k, id := p.open(), keyring.ID{Name: "k"}
			p.keeper.Hook(nil, func(done kmip.Payload) error {
				if done.Operation() == op {
					p.primary.Set(faultnet.Refuse())
				}
				return nil
			})
			for range 3 {
				mustBe(t, keyring.ErrUnreachable, k.Store(t.Context(), id, key(bytesOf(16, 1))), "Store")
			}
			if n := p.behind.Operations(kmip.OpRegister); n != 0 {
				t.Errorf("%d keys on the standby", n)
			}
			p.keeper.Hook(nil, nil)
			p.primary.Set(faultnet.Pass())
			if err := k.Store(t.Context(), id, key(bytesOf(16, 1))); err != nil && !errors.Is(err, keyring.ErrExists) {
				t.Fatal(err)
			}
			mustHave(t, k, id, "AES", bytesOf(16, 1))
			if n := len(p.keeper.IDs()) + len(p.behind.IDs()); n != 1 {
				t.Errorf("%d objects", n)
			}
		})
	}
}

// 65 servers that are down make one message that can be read.
func TestManyServersDown(t *testing.T) {
	w := newWorld(t, nil)
	w.o.Servers = nil
	for range 65 {
		w.o.Servers = append(w.o.Servers, freeAddr(t))
	}
	k, err := backend.Open(t.Context(), w.o, nil)
	if err == nil {
		k.Close()
		t.Fatal("opened")
	}
	if mustBe(t, keyring.ErrUnreachable, err, "Open"); len(err.Error()) > 500 || !strings.Contains(err.Error(), "and 62 more servers: cannot connect to the key server: connect: connection refused (62 times)") {
		t.Errorf("%d bytes: %v", len(err.Error()), err)
	}
}
