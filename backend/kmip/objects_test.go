package kmip_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func TestTwins(t *testing.T) {
	w := newWorld(t, nil)
	old := kmip.Attribute{Name: kmip.AttrInitialDate, Value: ttlv.DateTimeValue(time.Now().Add(-time.Hour))}
	for i := range 8 {
		w.add(fmt.Sprint("other ", i), bytesOf(16, 99), kmip.StateActive)
	}
	for i := range 3 { // the identifiers are 9, 10 and 11
		w.add("same second", bytesOf(16, byte(i)), kmip.StateActive, kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(1e9, 0)))
	}
	w.add("k", bytesOf(16, 100), kmip.StateActive)
	first := w.add("k", bytesOf(16, 101), kmip.StateDeactivated, old)
	w.add("k", bytesOf(16, 102), kmip.StateActive)
	k := w.open()
	// The oldest is the key whatever its state: what was encrypted with it must not
	// meet another one.
	mustHave(t, k, keyring.ID{Name: "k"}, "AES", bytesOf(16, 101))
	mustHave(t, k, keyring.ID{Name: "same second"}, "AES", bytesOf(16, 0))
	if n, _ := k.(keyring.NativeIDer).NativeID(t.Context(), keyring.ID{Name: "k"}); n != first {
		t.Errorf("object %s, not %s", n, first)
	}
	if w.log.count("several objects on the key server have the same Name") != 1 {
		t.Errorf("log:\n%s", w.log)
	}
	// The same choice for what is not in memory.
	w.add("later", bytesOf(16, 1), kmip.StateActive)
	w.add("later", bytesOf(16, 2), kmip.StateActive, old)
	mustHave(t, k, keyring.ID{Name: "later"}, "AES", bytesOf(16, 2))
	for _, n := range []string{"k", "later", "same second"} {
		if err := k.Remove(t.Context(), keyring.ID{Name: n}); err != nil {
			t.Error(err)
		}
		if _, _, err := fetch(t, k, keyring.ID{Name: n}); keyring.KindOf(err) != keyring.ErrNotFound {
			t.Errorf("a removed key came back from a twin: %v", err)
		}
	}
	if n := w.keeper.IDs(); len(n) != 8 {
		t.Errorf("left: %v", n)
	}
}

func TestStates(t *testing.T) {
	w := newWorld(t, nil)
	ids := map[kmip.State]string{}
	for _, s := range []kmip.State{kmip.StatePreActive, kmip.StateActive, kmip.StateDeactivated, kmip.StateCompromised, kmip.StateDestroyed, kmip.StateDestroyedCompromised} {
		ids[s] = w.add(s.String(), bytesOf(16, byte(s)), s)
	}
	k := w.open()
	for range 3 {
		for _, s := range []kmip.State{kmip.StatePreActive, kmip.StateActive, kmip.StateDeactivated, kmip.StateCompromised} {
			mustHave(t, k, keyring.ID{Name: s.String()}, "AES", bytesOf(16, byte(s)))
			if got, err := k.(keyring.StateReporter).KeyState(t.Context(), keyring.ID{Name: s.String()}); err != nil || got != s.String() {
				t.Errorf("KeyState: %q, %v", got, err)
			}
		}
	}
	if n := w.log.count("taken out of use"); n != 2 {
		t.Errorf("%d warnings, not one for each of two keys:\n%s", n, w.log)
	}
	status := fmt.Sprint(k.(keyring.StatusReporter).Status())
	for _, want := range []string{"{Keys_inactive 2}", "{Keys_loaded 4}", "{Server_in_use " + w.server.Addr + "}", "{Kmip_version_in_use 1.4}", "{Last_error <NONE>}"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status lacks %s: %s", want, status)
		}
	}
	for _, s := range []kmip.State{kmip.StateDestroyed, kmip.StateDestroyedCompromised} {
		if _, _, err := fetch(t, k, keyring.ID{Name: s.String()}); keyring.KindOf(err) != keyring.ErrNotFound {
			t.Errorf("%s: %v", s, err)
		}
	}
	w.o.RefuseInactive = true
	strict := w.open()
	for s, want := range map[kmip.State]error{kmip.StateDeactivated: keyring.ErrInactive, kmip.StateCompromised: keyring.ErrInactive} {
		_, _, err := fetch(t, strict, keyring.ID{Name: s.String()})
		if keyring.KindOf(err) != want || !strings.Contains(err.Error(), ids[s]+" on the key server is "+s.String()+". It cannot be activated again") {
			t.Errorf("%s: %v", s, err)
		}
	}
	mustHave(t, strict, keyring.ID{Name: "Active"}, "AES", bytesOf(16, byte(kmip.StateActive)))
	// A revocation shows after a reload.
	w.keeper.SetState(ids[kmip.StateActive], kmip.StateDeactivated)
	if err := strict.(keyring.Reloader).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, strict, keyring.ID{Name: "Active"}); keyring.KindOf(err) != keyring.ErrInactive {
		t.Errorf("%v", err)
	}
}

func TestDestroyedBehindOurBack(t *testing.T) {
	w := newWorld(t, nil)
	id := keyring.ID{Name: "k"}
	uid := w.add("k", bytesOf(16, 1), kmip.StateActive)
	k := w.open()
	w.keeper.Delete(uid)
	mustHave(t, k, id, "AES", bytesOf(16, 1)) // in use until a reload
	if s, err := k.(keyring.StateReporter).KeyState(t.Context(), id); err != nil || s != "Destroyed" {
		t.Errorf("KeyState: %q, %v", s, err)
	}
	if err := k.Store(t.Context(), id, key(bytesOf(16, 2))); keyring.KindOf(err) != keyring.ErrExists {
		t.Errorf("Store over a key in use: %v", err)
	}
	if w.log.count("is gone from the key server") != 1 {
		t.Errorf("log:\n%s", w.log)
	}
	if err := k.(keyring.Reloader).Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fetch(t, k, id); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
	uid = w.add("k2", bytesOf(16, 1), kmip.StateActive)
	mustHave(t, k, keyring.ID{Name: "k2"}, "AES", bytesOf(16, 1))
	w.keeper.Delete(uid)
	if err := k.Remove(t.Context(), keyring.ID{Name: "k2"}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("Remove: %v", err)
	}
	if err := k.Store(t.Context(), keyring.ID{Name: "k2"}, key(bytesOf(16, 2))); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}
