package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

func testNeighbours(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 20 {
				key, bad := fmt.Sprint(g, "/", i), (g+i)%3 == 0
				err := s.Update(context.Background(), func(w store.Writer) error {
					if err := w.Put("b", key, []byte("v")); err != nil {
						return err
					}
					if bad {
						return errors.New("refused")
					}
					return nil
				})
				if (err != nil) != bad {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
	wg.Wait()
	got := Dump(t, s, "b", "")
	for g := range 32 {
		for i := range 20 {
			key := fmt.Sprint(g, "/", i)
			if _, ok := got[key]; ok == ((g+i)%3 == 0) {
				t.Errorf("%s is there: %v", key, ok)
			}
		}
	}
}

func testIncrement(t *testing.T, s store.Store) {
	const writers, each = 16, 50
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				err := s.Update(context.Background(), func(w store.Writer) error {
					v, _, err := w.Get("b", "n")
					if err != nil {
						return err
					}
					n, _ := strconv.Atoi(string(v))
					return w.Put("b", "n", []byte(strconv.Itoa(n+1)))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if v, _ := get(t, s, "b", "n"); v != strconv.Itoa(writers*each) {
		t.Errorf("%d increments gave %s", writers*each, v)
	}
}

// testSnapshot moves a unit between two keys; no reader may see another sum, and
// a reader that stays sees the same all the time.
func testSnapshot(t *testing.T, s store.Store) {
	update(t, s, func(w store.Writer) error {
		return errors.Join(w.Put("b", "x", []byte("1000")), w.Put("b", "y", []byte("0")))
	})
	read := func(r store.Reader) [2]int {
		var got [2]int
		for i, k := range []string{"x", "y"} {
			v, _, err := r.Get("b", k)
			if err != nil {
				t.Error(err)
			}
			got[i], _ = strconv.Atoi(string(v))
		}
		return got
	}
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
				err := s.View(func(r store.Reader) error {
					a := read(r)
					if b := read(r); a != b || a[0]+a[1] != 1000 {
						t.Errorf("a reader saw %v and then %v", a, b)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 100 {
		update(t, s, func(w store.Writer) error {
			v := read(w)
			return errors.Join(w.Put("b", "x", []byte(strconv.Itoa(v[0]-1))), w.Put("b", "y", []byte(strconv.Itoa(v[1]+1))))
		})
	}
	close(done)
	wg.Wait()
	err := s.View(func(r store.Reader) error { // a writer passes a reader that stays
		before := read(r)
		update(t, s, func(w store.Writer) error { return w.Put("b", "x", []byte("0")) })
		if after := read(r); after != before {
			t.Errorf("a reader saw %v, and then %v", before, after)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
