package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// TestReseal: while others write, all values come under the new key, and the old one
// opens none any more.
func TestReseal(t *testing.T) {
	inner, old, fresh := memory.New(), secret.Random(32), secret.Random(32)
	s, err := store.Seal(inner, store.DataKey{Key: old})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1500 {
		storetest.Put(t, s, "b", fmt.Sprint("old", i), fmt.Sprint("value ", i))
	}
	storetest.Put(t, inner, "plain", "k", "not sealed")
	put := func(key string) error {
		return s.Update(context.Background(), func(w store.Writer) error { return w.Put("c", key, []byte("value of "+key)) })
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	counts := make([]int, 4)
	for g := range counts {
		wg.Go(func() {
			for ; ; counts[g]++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := put(fmt.Sprint(g, "/", counts[g])); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	if err := s.Use(store.DataKey{Number: 1, Key: fresh}); err != nil {
		t.Fatal(err)
	}
	n, err := s.Reseal(t.Context(), "plain")
	close(stop)
	wg.Wait()
	if err != nil || n < 1500 {
		t.Fatalf("%d values, %v", n, err)
	}
	if keys := s.DataKeys(); len(keys) != 1 || keys[0].Number != 1 || !keys[0].Key.Equal(fresh) {
		t.Errorf("values are still under %d data keys", len(keys))
	}
	again, err := store.Seal(inner, store.DataKey{Number: 1, Key: fresh})
	if err != nil {
		t.Fatal(err)
	}
	if got := storetest.Dump(t, again, "b", ""); len(got) != 1500 || got["old1499"] != "value 1499" {
		t.Errorf("%d values, the last is %q", len(got), got["old1499"])
	}
	want := 0
	for _, n := range counts {
		want += n
	}
	if got := storetest.Dump(t, again, "c", ""); len(got) != want {
		t.Errorf("%d values were written meanwhile, of %d", len(got), want)
	}
	if _, err := store.Seal(inner, store.DataKey{Key: old}); !errors.Is(err, store.ErrSealBroken) && !errors.Is(err, store.ErrDataKey) {
		t.Errorf("the old key: %v", err)
	}
	if n, err := s.Reseal(t.Context(), "plain"); n != 0 || err != nil {
		t.Errorf("again: %d values, %v", n, err)
	}
}

func TestUse_OnlyNewerKeys(t *testing.T) {
	s, err := store.Seal(memory.New(), store.DataKey{Number: 3, Key: secret.Random(32)})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []uint32{0, 2, 3} {
		if err := s.Use(store.DataKey{Number: n, Key: secret.Random(32)}); err == nil {
			t.Errorf("number %d was taken after 3", n)
		}
	}
}
