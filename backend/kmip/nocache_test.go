package kmip_test

import (
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// Without a cache the server is asked each time, no more often than that, and its
// word counts: an outage is an outage, a key that is gone is gone.
func TestNoCache(t *testing.T) {
	w := newOKV(t, nil)
	w.o.NoCache = true
	p := faultnet.New(t, w.server.Addr)
	w.o.Servers = []string{p.Addr()}
	id := keyring.ID{Name: "k"}
	k := w.open()
	if err := k.Store(t.Context(), id, key(bytesOf(32, 1))); err != nil {
		t.Fatal(err)
	}
	k = w.open()
	if n := w.keeper.Operations(kmip.OpGet); n != 0 {
		t.Errorf("%d keys were read at the start", n)
	}
	for range 3 {
		mustHave(t, k, id, "AES", bytesOf(32, 1))
	}
	if n := w.keeper.Operations(kmip.OpGet); n != 3 {
		t.Errorf("3 fetches read %d keys", n)
	}
	p.Set(faultnet.Refuse())
	if _, _, err := fetch(t, k, id); keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("%v", err)
	}
	p.Set(faultnet.Pass())
	mustHave(t, k, id, "AES", bytesOf(32, 1))

	uid, err := k.(keyring.NativeIDer).NativeID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.keeper.Delete(uid)
	if _, _, err := fetch(t, k, id); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
	// Another process makes it anew.
	if err := w.open().Store(t.Context(), id, key(bytesOf(16, 2))); err != nil {
		t.Fatal(err)
	}
	mustHave(t, k, id, "AES", bytesOf(16, 2))
}
