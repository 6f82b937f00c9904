package kmip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// The rule of all rules: an outage is never "absent". What is in memory is served
// through it, what changes fails in time, and all is well again by itself.
func TestOutage(t *testing.T) {
	for name, mode := range map[string]faultnet.Mode{
		"stopped": faultnet.Refuse(), "frozen": faultnet.Freeze(), "garbage": faultnet.Garbage(), "cut": faultnet.CutAfter(30),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := faultnet.New(t, w.server.Addr)
			w.o.Servers, w.o.Timeout, w.o.StartTimeout = []string{p.Addr()}, 500*time.Millisecond, time.Second
			w.add("cached", bytesOf(32, 1), kmip.StateActive)
			k := w.open()
			w.add("uncached", bytesOf(32, 2), kmip.StateActive)
			ctx := t.Context()
			p.Set(mode)
			for what, do := range map[string]func() error{
				"Fetch":                           func() error { _, _, err := fetch(t, k, keyring.ID{Name: "uncached"}); return err },
				"Fetch owned":                     func() error { _, _, err := fetch(t, k, keyring.ID{Name: "x", Owner: "o"}); return err },
				"Store":                           func() error { return k.Store(ctx, keyring.ID{Name: "new"}, key(bytesOf(16, 3))) },
				"Generate":                        func() error { return k.Generate(ctx, keyring.ID{Name: "new2"}, "AES", 32) },
				"Remove":                          func() error { return k.Remove(ctx, keyring.ID{Name: "cached"}) },
				"Remove of what is not in memory": func() error { return k.Remove(ctx, keyring.ID{Name: "uncached"}) },
				"Reload":                          func() error { return k.(keyring.Reloader).Reload(ctx) },
				"KeyState": func() error {
					_, err := k.(keyring.StateReporter).KeyState(ctx, keyring.ID{Name: "cached"})
					return err
				},
			} {
				started := time.Now()
				err := do()
				if keyring.KindOf(err) != keyring.ErrUnreachable || errors.Is(err, keyring.ErrNotFound) {
					t.Errorf("%s: %v", what, err)
				}
				if took := time.Since(started); took > 3*time.Second {
					t.Errorf("%s took %v", what, took)
				}
				mustHave(t, k, keyring.ID{Name: "cached"}, "AES", bytesOf(32, 1))
			}
			if !strings.Contains(fmt.Sprint(k.(keyring.StatusReporter).Status()), p.Addr()) {
				t.Errorf("status: %v", k.(keyring.StatusReporter).Status())
			}
			p.Set(faultnet.Pass())
			mustHave(t, k, keyring.ID{Name: "uncached"}, "AES", bytesOf(32, 2))
			if err := k.Store(ctx, keyring.ID{Name: "new"}, key(bytesOf(16, 3))); err != nil {
				t.Errorf("not healed: %v", err)
			}
			if err := k.(keyring.Reloader).Reload(ctx); err != nil {
				t.Errorf("not healed: %v", err)
			}
			mustHave(t, k, keyring.ID{Name: "new"}, "AES", bytesOf(16, 3))
		})
	}
}

// A connection cut after any number of bytes of the answers leaves one key or
// none, and a second attempt makes it one.
func TestStore_CutAnywhere(t *testing.T) {
	w := newWorld(t, nil)
	p := faultnet.New(t, w.server.Addr)
	w.o.Servers, w.o.Timeout = []string{p.Addr()}, 2*time.Second
	k := w.open()
	step := 97
	for n := 0; n < 9000; n += step {
		id := keyring.ID{Name: fmt.Sprintf("k%d", n), Owner: "o"}
		p.Set(faultnet.CutAfter(n))
		first := k.Store(t.Context(), id, key(bytesOf(16, byte(n))))
		p.Set(faultnet.Pass())
		if first != nil && keyring.KindOf(first) != keyring.ErrUnreachable {
			t.Errorf("cut after %d: %v", n, first)
		}
		if first != nil {
			if err := k.Store(t.Context(), id, key(bytesOf(16, byte(n)))); err != nil {
				t.Errorf("cut after %d: %v, and then %v", n, first, err)
			}
		}
		mustHave(t, k, id, "AES", bytesOf(16, byte(n)))
		found := 0
		for _, o := range w.keeper.IDs() {
			if a, _ := w.keeper.Object(o); len(a.Names()) == 1 && a.Names()[0] == "dbkeyring:1:o:"+id.Name {
				found++
				if a.State() != kmip.StateActive {
					t.Errorf("cut after %d: the object is %s", n, a.State())
				}
			}
		}
		if found != 1 {
			t.Errorf("cut after %d: %d objects", n, found)
		}
		if first == nil {
			step = 1000 // enough bytes for all of it
		}
	}
}

// lose makes the keeper hang up after (or before) it has carried out the n first
// operations of a kind.
func lose(k *kmiptest.Keeper, op kmip.Operation, n int32, before bool) {
	var left atomic.Int32
	left.Store(n)
	hook := func(p kmip.Payload) error {
		if p.Operation() == op && left.Add(-1) >= 0 {
			return kmiptest.ErrHangUp
		}
		return nil
	}
	if before {
		k.Hook(hook, nil)
	} else {
		k.Hook(nil, hook)
	}
}

func TestLostAnswers(t *testing.T) {
	for _, op := range []kmip.Operation{kmip.OpRegister, kmip.OpActivate, kmip.OpRevoke, kmip.OpDestroy, kmip.OpLocate, kmip.OpGetAttributes} {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/before=%t", op, before), func(t *testing.T) {
				w := newWorld(t, nil)
				id := keyring.ID{Name: "k"}
				k := w.open()
				lose(w.keeper, op, 1, before)
				if err := k.Store(t.Context(), id, key(bytesOf(16, 1))); err != nil {
					t.Fatalf("Store: %v", err)
				}
				mustHave(t, k, id, "AES", bytesOf(16, 1))
				mustHave(t, w.open(), id, "AES", bytesOf(16, 1))
				if err := k.Remove(t.Context(), id); err != nil {
					t.Fatalf("Remove: %v", err)
				}
				for _, uid := range w.keeper.IDs() {
					if a, _ := w.keeper.Object(uid); a.Names()[0] == "k" {
						t.Errorf("an object is left: %v", a)
					}
				}
			})
		}
	}
}

// An object that was registered and could not be activated is taken away; if that
// fails, too, the next attempt does it.
func TestHalfMade(t *testing.T) {
	for _, stubborn := range []bool{false, true} {
		t.Run(fmt.Sprintf("stubborn=%t", stubborn), func(t *testing.T) {
			var failing atomic.Bool
			failing.Store(true)
			w := newWorld(t, func(k *kmipKeeper) {
				k.Before = func(p kmip.Payload) error {
					if failing.Load() && (p.Operation() == kmip.OpActivate || stubborn && p.Operation() == kmip.OpDestroy) {
						return kmip.Errorf(kmip.ReasonGeneralFailure, "disk full")
					}
					return nil
				}
			})
			k, id := w.open(), keyring.ID{Name: "k"}
			if err := k.Generate(t.Context(), id, "AES", 32); keyring.KindOf(err) != keyring.ErrUnreachable || !strings.Contains(err.Error(), "disk full") {
				t.Fatalf("%v", err)
			}
			if n := len(w.keeper.IDs()); n != map[bool]int{false: 0, true: 1}[stubborn] {
				t.Errorf("%d objects are left", n)
			}
			failing.Store(false)
			if err := k.Generate(t.Context(), id, "AES", 16); err != nil {
				t.Fatalf("the next attempt: %v", err)
			}
			if _, content, err := fetch(t, w.open(), id); err != nil || len(content) != 16 || len(w.keeper.IDs()) != 1 {
				t.Errorf("%d bytes, %v, %d objects", len(content), err, len(w.keeper.IDs()))
			}
		})
	}
}

// A half-made key that somebody has fetched is a key: it is not taken away.
func TestHalfMade_InUse(t *testing.T) {
	w := newWorld(t, func(k *kmipKeeper) {
		k.Before = func(p kmip.Payload) error {
			if p.Operation() == kmip.OpActivate || p.Operation() == kmip.OpDestroy {
				return kmip.Errorf(kmip.ReasonGeneralFailure, "no")
			}
			return nil
		}
	})
	k, id := w.open(), keyring.ID{Name: "k"}
	if err := k.Store(t.Context(), id, key(bytesOf(16, 1))); err == nil {
		t.Fatal("stored")
	}
	mustHave(t, k, id, "AES", bytesOf(16, 1))
	if err := k.Store(t.Context(), id, key(bytesOf(16, 2))); keyring.KindOf(err) != keyring.ErrExists {
		t.Errorf("%v", err)
	}
	mustHave(t, w.open(), id, "AES", bytesOf(16, 1))
}

// A failed reload changes nothing.
func TestReload_KeepsTheOldOnAnError(t *testing.T) {
	w := newWorld(t, nil)
	w.add("k", bytesOf(16, 1), kmip.StateActive)
	k := w.open()
	w.keeper.Hook(func(p kmip.Payload) error {
		if p.Operation() == kmip.OpGet {
			return kmiptest.ErrHangUp
		}
		return nil
	}, nil)
	if err := k.(keyring.Reloader).Reload(t.Context()); keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Fatalf("%v", err)
	}
	w.keeper.Hook(nil, nil)
	mustHave(t, k, keyring.ID{Name: "k"}, "AES", bytesOf(16, 1))
	if err := k.Store(t.Context(), keyring.ID{Name: "k2"}, key(bytesOf(16, 2))); err != nil {
		t.Error(err)
	}
}

// A load whose connection is cut is begun again, once: also where the first
// exchange of a fresh connection is what is cut.
func TestOpen_CutOnce(t *testing.T) {
	for _, op := range []kmip.Operation{kmip.OpLocate, kmip.OpGet, kmip.OpGetAttributes} {
		for _, times := range []int32{1, 100} {
			w := newWorld(t, nil)
			w.add("k", bytesOf(16, 1), kmip.StateActive)
			lose(w.keeper, op, times, true)
			k, err := backend.Open(t.Context(), w.o, nil)
			if times == 100 {
				if keyring.KindOf(err) != keyring.ErrUnreachable {
					t.Errorf("%s, cut always: %v", op, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, cut %d times: %v", op, times, err)
				continue
			}
			mustHave(t, k, keyring.ID{Name: "k"}, "AES", bytesOf(16, 1))
			k.Close()
		}
	}
}

func TestMaxObjects(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 5 {
		w.add(fmt.Sprint(i), bytesOf(16, byte(i)), kmip.StateActive)
	}
	w.o.MaxObjects = 5
	w.open()
	w.add("one more", bytesOf(16, 1), kmip.StateActive)
	err := openError(t, w.o)
	if keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "more than 5 objects") {
		t.Errorf("%v", err)
	}
}

// Every page is got from every kind of server.
func TestPaging(t *testing.T) {
	const n = 4200 // more than a page
	for name, habit := range map[string]func(*kmipKeeper){
		"all":             func(*kmipKeeper) {},
		"no count":        func(k *kmipKeeper) { k.HidesCount = true },
		"no offset":       func(k *kmipKeeper) { k.IgnoresOffset = true },
		"neither":         func(k *kmipKeeper) { k.IgnoresOffset, k.HidesCount = true, true },
		"pages cut short": func(k *kmipKeeper) { k.PageLimit = 1000 },
		"offset refused": func(k *kmipKeeper) {
			k.Before = func(p kmip.Payload) error {
				if l, ok := p.(*kmip.LocateRequest); ok && l.OffsetItems != nil {
					return kmip.Errorf(kmip.ReasonInvalidField, "Offset Items")
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, habit)
			for i := range n {
				w.add(fmt.Sprint(i), bytesOf(16, byte(i)), kmip.StateActive)
			}
			w.o.StartTimeout = time.Minute
			k := w.open()
			ids, err := k.List(t.Context())
			if err != nil || len(ids) != n {
				t.Errorf("%d keys, %v", len(ids), err)
			}
		})
	}
}

// A server that drops the Name from the question and answers in pages hides no
// key behind the first page: "absent" would be wrong.
func TestFind_BehindTheFirstPage(t *testing.T) {
	w := newWorld(t, func(k *kmipKeeper) { k.DropsNames, k.PageLimit = true, 10 })
	k := w.open()
	for i := range 25 { // the newest comes first
		w.add(fmt.Sprint(i), bytesOf(16, byte(i)), kmip.StateActive)
	}
	mustHave(t, k, keyring.ID{Name: "0"}, "AES", bytesOf(16, 0))
	if err := k.Store(t.Context(), keyring.ID{Name: "1"}, key(bytesOf(16, 9))); keyring.KindOf(err) != keyring.ErrExists {
		t.Errorf("%v", err)
	}
	if _, _, err := fetch(t, k, keyring.ID{Name: "25"}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
}

// One object of a form that we cannot read does not hide the others.
func TestUnreadable(t *testing.T) {
	w := newWorld(t, func(k *kmipKeeper) {
		k.Before = func(p kmip.Payload) error {
			if g, ok := p.(*kmip.GetRequest); ok && g.UniqueIdentifier == "2" {
				return kmip.Errorf(kmip.ReasonPermissionDenied, "not yours")
			}
			return nil
		}
	})
	for i := 1; i <= 3; i++ {
		w.add(fmt.Sprint(i), bytesOf(16, byte(i)), kmip.StateActive)
	}
	k := w.open()
	mustHave(t, k, keyring.ID{Name: "1"}, "AES", bytesOf(16, 1))
	mustHave(t, k, keyring.ID{Name: "3"}, "AES", bytesOf(16, 3))
	// It is there, so it is not absent.
	if _, _, err := fetch(t, k, keyring.ID{Name: "2"}); keyring.KindOf(err) != keyring.ErrDenied {
		t.Errorf("%v", err)
	}
	if err := k.Store(t.Context(), keyring.ID{Name: "2"}, key(bytesOf(16, 9))); keyring.KindOf(err) != keyring.ErrExists {
		t.Errorf("%v", err)
	}
}

// Another client was faster, on a server whose Names are unique.
func TestStore_NameTakenMeanwhile(t *testing.T) {
	var w *world
	w = newWorld(t, func(k *kmipKeeper) {
		k.UniqueNames = true
		k.Before = func(p kmip.Payload) error {
			if p.Operation() == kmip.OpRegister && len(w.keeper.IDs()) == 0 {
				w.add("k", bytesOf(16, 7), kmip.StateActive)
			}
			return nil
		}
	})
	k := w.open()
	if err := k.Store(t.Context(), keyring.ID{Name: "k"}, key(bytesOf(16, 1))); keyring.KindOf(err) != keyring.ErrExists {
		t.Errorf("%v", err)
	}
	mustHave(t, k, keyring.ID{Name: "k"}, "AES", bytesOf(16, 7))
}

// Nothing secret is in the log or in an error.
func TestNoSecrets(t *testing.T) {
	w := newWorld(t, nil)
	k := w.open()
	content := bytes.Repeat([]byte("SECRETBYTES"), 2)
	if err := k.Store(t.Context(), keyring.ID{Name: "k"}, key(content)); err != nil {
		t.Fatal(err)
	}
	lose(w.keeper, kmip.OpRegister, 9, false)
	err := k.Store(context.Background(), keyring.ID{Name: "k2"}, key(content))
	for _, s := range []string{w.log.String(), fmt.Sprintf("%+v", err), fmt.Sprint(k.(keyring.StatusReporter).Status())} {
		if strings.Contains(s, "SECRETBYTES") || strings.Contains(s, "5345435245") {
			t.Errorf("a secret shows in %s", s)
		}
	}
}

// Whoever asks while a reload replaces everything gets an answer all the same.
func TestReload_UnderReaders(t *testing.T) {
	w := newWorld(t, nil)
	w.add("k", bytesOf(16, 1), kmip.StateActive)
	k := w.open()
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, _, err := fetch(t, k, keyring.ID{Name: "absent"}); keyring.KindOf(err) != keyring.ErrNotFound {
					t.Errorf("%v", err)
				}
				mustHave(t, k, keyring.ID{Name: "k"}, "AES", bytesOf(16, 1))
			}
		})
	}
	for range 20 {
		if err := k.(keyring.Reloader).Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}
