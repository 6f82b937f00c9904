package kmip_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func (w *world) now() time.Time { return time.Now().Add(w.keeper.Ahead) }

// objectsOf returns the states of the objects that have the Name.
func (w *world) objectsOf(name string) (states []kmip.State) {
	for _, uid := range w.keeper.IDs() {
		if a, ok := w.keeper.Object(uid); ok && slices.Contains(a.Names(), name) {
			states = append(states, a.State())
		}
	}
	return states
}

// okvWays are the ways of making a key.
var okvWays = map[string]func(t *testing.T, k keyring.Keyring, id keyring.ID) error{
	"AES": func(t *testing.T, k keyring.Keyring, id keyring.ID) error {
		return k.Generate(t.Context(), id, "AES", 32)
	},
	"SECRET": func(t *testing.T, k keyring.Keyring, id keyring.ID) error {
		return k.Generate(t.Context(), id, "SECRET", 40)
	},
	"Store": func(t *testing.T, k keyring.Keyring, id keyring.ID) error {
		d := secret.Copy(bytesOf(16, byte(len(id.Name))))
		defer d.Wipe()
		return k.Store(t.Context(), id, keyring.Key{Type: "SECRET", Data: d})
	},
}

// A connection cut after any number of bytes of what the server says leaves one
// key or none; never one that is not ready. Another attempt, of the same process
// or of the next, makes it one, and what is left over goes when it is old enough.
func TestOKV_CutAnywhere(t *testing.T) {
	for name, habit := range map[string]func(*kmiptest.Keeper){
		"Lenient":     nil,
		"UniqueNames": func(k *kmiptest.Keeper) { k.UniqueNames = true },
		"NoAdd":       func(k *kmiptest.Keeper) { k.NoAdd, k.NoCustom = true, true },
	} {
		for way, do := range okvWays {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/restart=%t", name, way, restart), func(t *testing.T) {
					w := newOKV(t, habit)
					p := faultnet.New(t, w.server.Addr)
					w.o.Servers, w.o.Timeout = []string{p.Addr()}, 2*time.Second
					k := w.open()
					made, cuts := 0, 0
					for n := 0; ; n += 100 {
						id := keyring.ID{Name: fmt.Sprintf("k%d", n)}
						p.Set(faultnet.CutAfter(n))
						first := do(t, k, id)
						p.Set(faultnet.Pass())
						if first != nil && keyring.KindOf(first) != keyring.ErrUnreachable {
							t.Errorf("cut after %d: %v", n, first)
						}
						if restart {
							k.Close()
							k = w.open()
						}
						_, content, err := fetch(t, k, id)
						switch {
						case first == nil && err != nil:
							t.Errorf("cut after %d: made, but %v", n, err)
						case err != nil && keyring.KindOf(err) != keyring.ErrNotFound:
							t.Errorf("cut after %d: %v", n, err)
						case err != nil:
							if again := do(t, k, id); again != nil {
								t.Errorf("cut after %d: %v, and then %v", n, first, again)
							}
							if _, content, err = fetch(t, k, id); err != nil {
								t.Errorf("cut after %d: %v", n, err)
							}
						}
						made++
						active := 0
						for _, s := range w.objectsOf(id.Name) {
							if s == kmip.StateActive {
								active++
							}
						}
						if active != 1 {
							t.Errorf("cut after %d: objects %v", n, w.objectsOf(id.Name))
						}
						mustHaveBytes(t, w.open(), id, content)
						if first == nil {
							break
						}
						cuts++
					}
					if cuts < 5 {
						t.Errorf("%d cuts", cuts)
					}
					// Ten minutes later nothing but the keys is there.
					left := len(w.keeper.IDs()) - made
					w.keeper.Shift(11 * time.Minute)
					k = w.open()
					if ids, _ := k.List(t.Context()); len(ids) != made || len(w.keeper.IDs()) != made {
						t.Errorf("%d keys made, %d listed, %d objects", made, len(ids), len(w.keeper.IDs()))
					}
					t.Logf("%d cuts had left %d objects", cuts, left)
				})
			}
		}
	}
}

func mustHaveBytes(t *testing.T, k keyring.Keyring, id keyring.ID, content []byte) {
	t.Helper()
	defer k.Close()
	typ, got, err := fetch(t, k, id)
	if err != nil || string(got) != string(content) {
		t.Errorf("Fetch %s: %q, %d bytes, %v; want %d bytes", id, typ, len(got), err, len(content))
	}
}

// Each operation's answer is lost once, or the operation.
func TestOKV_LostAnswers(t *testing.T) {
	ops := []kmip.Operation{kmip.OpCreate, kmip.OpRegister, kmip.OpGet, kmip.OpAddAttribute, kmip.OpActivate, kmip.OpDestroy,
		kmip.OpLocate, kmip.OpGetAttributes, kmip.OpRNGRetrieve}
	for _, op := range ops {
		for _, before := range []bool{false, true} {
			for _, times := range []int32{1, 2} {
				for way, do := range okvWays {
					w := newOKV(t, nil)
					if op == kmip.OpRNGRetrieve {
						w.o.ProtocolVersion = "1.2"
					}
					id := keyring.ID{Name: "k"}
					k := w.open()
					lose(w.keeper, op, times, before)
					err := do(t, k, id)
					if times == 1 && err != nil {
						t.Errorf("%s of %s lost (before=%t): %v", op, way, before, err)
					}
					w.keeper.Hook(nil, nil)
					if err != nil {
						if err := do(t, k, id); err != nil {
							t.Errorf("%s of %s lost %d times (before=%t), and then: %v", op, way, times, before, err)
						}
					}
					if _, _, err := fetch(t, w.open(), id); err != nil {
						t.Errorf("%s of %s lost: %v", op, way, err)
					}
					if n := w.objectsOf("k"); len(n) != 1 || n[0] != kmip.StateActive {
						t.Errorf("%s of %s lost: objects %v", op, way, n)
					}
				}
			}
		}
	}
}

// Leftovers are removed by the server's clock, whatever ours says; so are those
// that get old while the keyring is open.
func TestOKV_Leftovers(t *testing.T) {
	for _, ahead := range []time.Duration{0, -48 * time.Hour, 48 * time.Hour} {
		w := newOKV(t, func(k *kmiptest.Keeper) { k.Ahead = ahead })
		at := func(age time.Duration) kmip.Attribute {
			return kmip.DateAttribute(kmip.AttrInitialDate, w.now().Add(-age))
		}
		mark := asi("dbkeyring", "made:0123456789abcdef")
		old := w.add("old", bytesOf(16, 1), kmip.StatePreActive, mark, at(10*time.Minute+2*time.Second))
		young := w.add("young", bytesOf(16, 2), kmip.StatePreActive, mark, at(9*time.Minute))
		scratch := w.keeper.Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Copy(bytesOf(32, 3))), kmip.StatePreActive, mark, at(time.Hour))
		active := w.add("active", bytesOf(16, 4), kmip.StateActive, mark, at(time.Hour)) // somebody took the mark of readiness away
		none := w.add("nobody's", bytesOf(16, 5), kmip.StatePreActive, at(time.Hour))
		k := w.open()
		if ids := w.keeper.IDs(); fmt.Sprint(ids) != fmt.Sprint([]string{young, active, none}) {
			t.Errorf("ahead %v: %v are left; old %s, scratch %s", ahead, ids, old, scratch)
		}
		for _, n := range []string{"old", "young", "active", "nobody's"} {
			if _, _, err := fetch(t, k, keyring.ID{Name: n}); keyring.KindOf(err) != keyring.ErrNotFound {
				t.Errorf("%s: %v", n, err)
			}
		}
		w.keeper.Shift(2 * time.Minute)
		if err := k.Generate(t.Context(), keyring.ID{Name: "k"}, "AES", 16); err != nil {
			t.Fatal(err)
		}
		// The clock is known from the answer before, so it may take one more change.
		if err := k.Generate(t.Context(), keyring.ID{Name: "k2"}, "AES", 16); err != nil {
			t.Fatal(err)
		}
		if ids := w.keeper.IDs(); slices.Contains(ids, young) || !slices.Contains(ids, active) || !slices.Contains(ids, none) {
			t.Errorf("ahead %v: %v are left", ahead, ids)
		}
	}
}

// Somebody completes a leftover between our looking and our removing it.
func TestOKV_LeftoverActivatedMeanwhile(t *testing.T) {
	var w *world
	uid := ""
	w = newOKV(t, func(k *kmiptest.Keeper) {
		k.Before = func(p kmip.Payload) error {
			if p.Operation() == kmip.OpDestroy {
				w.keeper.SetState(uid, kmip.StateActive)
			}
			return nil
		}
	})
	uid = w.add("k", bytesOf(16, 1), kmip.StatePreActive, asi("dbkeyring", "made:0123456789abcdef"), kmip.TextAttribute("x-key-ready", "1"),
		kmip.DateAttribute(kmip.AttrInitialDate, time.Now().Add(-time.Hour)))
	w.open().Close()
	mustHave(t, w.open(), keyring.ID{Name: "k"}, "AES", bytesOf(16, 1))
}

// A leftover that was stored is not taken for a key that the server is to make,
// nor one of another size; where Names are unique it is in the way for a while.
func TestOKV_LeftoverThatDoesNotFit(t *testing.T) {
	for _, unique := range []bool{false, true} {
		w := newOKV(t, func(k *kmiptest.Keeper) { k.UniqueNames = unique })
		stored := w.add("k", bytesOf(16, 1), kmip.StatePreActive, asi("dbkeyring", "stored:0123456789abcdef"))
		w.add("k2", bytesOf(16, 2), kmip.StatePreActive, asi("dbkeyring", "made:0123456789abcdef"))
		k := w.open()
		err := k.Generate(t.Context(), keyring.ID{Name: "k"}, "AES", 16)
		if unique {
			if err == nil || !strings.Contains(err.Error(), "an interrupted operation has left object "+stored+" under the key's Name; it is removed 10m0s after it was made") {
				t.Errorf("%v", err)
			}
		} else if _, got, _ := fetch(t, k, keyring.ID{Name: "k"}); err != nil || len(got) != 16 || string(got) == string(bytesOf(16, 1)) {
			t.Errorf("%v, %d bytes", err, len(got))
		}
		if err := k.Generate(t.Context(), keyring.ID{Name: "k2"}, "AES", 16); err != nil {
			t.Error(err)
		}
		mustHave(t, k, keyring.ID{Name: "k2"}, "AES", bytesOf(16, 2)) // nobody had seen it
	}
}

// A server that says yes and keeps nothing of what makes a key one.
func TestOKV_ForgetfulServer(t *testing.T) {
	var w *world
	w = newOKV(t, func(k *kmiptest.Keeper) {
		k.After = func(p kmip.Payload) error {
			if a, ok := p.(*kmip.ActivateRequest); ok {
				w.keeper.SetState(a.UniqueIdentifier, kmip.StatePreActive)
			}
			return nil
		}
	})
	k := w.open()
	err := k.Generate(t.Context(), keyring.ID{Name: "k"}, "AES", 16)
	if err == nil || !strings.Contains(err.Error(), "has not kept what makes object") {
		t.Errorf("%v", err)
	}
	if n := len(w.keeper.IDs()); n != 0 {
		t.Errorf("%d objects are left", n)
	}
}
