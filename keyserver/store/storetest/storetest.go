// Package storetest is the conformance suite of the key server's stores.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
)

// Test runs the suite on stores that open makes, each empty.
func Test(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"PutGetDelete", testPutGetDelete},
		{"RangeOrderAndPrefix", testRange},
		{"Buckets", testBuckets},
		{"RangeWhileChanging", testRangeWhileChanging},
		{"AFailedUpdateLeavesNothing", testFailedUpdate},
		{"APanickingUpdateLeavesNothing", testPanic},
		{"AFailedUpdateSpoilsNoNeighbour", testNeighbours},
		{"NoUpdateIsLost", testIncrement},
		{"ReadersSeeOneMoment", testSnapshot},
		{"TheCallersBytesStayTheirs", testAliasing},
		{"AContextThatEnded", testContext},
		{"BadKeys", testBadKeys},
		{"AfterClose", testClose},
		{"AgainstAModel", testModel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			tt.test(t, s)
		})
	}
}

// TestDurable checks that what was acknowledged is there after closing and
// opening. open opens the store of a folder.
func TestDurable(t *testing.T, open func(t *testing.T, dir string) store.Store) {
	dir := t.TempDir()
	want := map[string]string{}
	for round := range 5 {
		s := open(t, dir)
		for i := range 20 {
			k, v := fmt.Sprint(round, "-", i), strings.Repeat(fmt.Sprint(i), round*100)
			Put(t, s, "b", k, v)
			want[k] = v
		}
		del := fmt.Sprint(round, "-", 7)
		update(t, s, func(w store.Writer) error { return w.Delete("b", del) })
		delete(want, del)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir)
	defer s.Close()
	if diff := cmp.Diff(want, Dump(t, s, "b", "")); diff != "" {
		t.Errorf("after opening again (-want +got):\n%s", diff)
	}
}

// Put stores one value.
func Put(t testing.TB, s store.Store, b store.Bucket, key, value string) {
	t.Helper()
	update(t, s, func(w store.Writer) error { return w.Put(b, key, []byte(value)) })
}

// Dump returns a bucket's content.
func Dump(t testing.TB, s store.Store, b store.Bucket, prefix string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := s.View(func(r store.Reader) error {
		return r.Range(b, prefix, func(k string, v []byte) error {
			got[k] = string(v)
			return nil
		})
	})
	if err != nil {
		t.Fatalf("range %s: %v", b, err)
	}
	return got
}

func update(t testing.TB, s store.Store, fn func(store.Writer) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// get returns a value and whether there is one.
func get(t testing.TB, s store.Store, b store.Bucket, key string) (value string, found bool) {
	t.Helper()
	err := s.View(func(r store.Reader) error {
		v, ok, err := r.Get(b, key)
		value, found = string(v), ok
		return err
	})
	if err != nil {
		t.Fatalf("get %s %q: %v", b, key, err)
	}
	return value, found
}

func testPutGetDelete(t *testing.T, s store.Store) {
	if v, ok := get(t, s, "none", "k"); ok {
		t.Errorf("a bucket that is not there holds %q", v)
	}
	keys := []string{"k", "K", "ключ", "a\x00b", "\xff\xfe", strings.Repeat("long", 250)}
	for i, k := range keys {
		Put(t, s, "b", k, fmt.Sprint("value ", i))
	}
	Put(t, s, "b", "empty", "")
	Put(t, s, "c", "k", "of another bucket")
	for i, k := range keys {
		if v, ok := get(t, s, "b", k); !ok || v != fmt.Sprint("value ", i) {
			t.Errorf("%q = %q, %v", k, v, ok)
		}
	}
	if v, ok := get(t, s, "b", "empty"); !ok || v != "" {
		t.Errorf("an empty value came back as %q, %v", v, ok)
	}
	update(t, s, func(w store.Writer) error {
		if err := w.Put("b", "k", []byte("new")); err != nil {
			return err
		}
		if v, ok, err := w.Get("b", "k"); string(v) != "new" || !ok || err != nil {
			t.Errorf("a writer does not see its own change: %q, %v, %v", v, ok, err)
		}
		if err := w.Delete("b", "K"); err != nil {
			return err
		}
		if _, ok, err := w.Get("b", "K"); ok || err != nil {
			t.Errorf("a writer sees what it deleted: %v", err)
		}
		return w.Delete("b", "never there")
	})
	if v, _ := get(t, s, "b", "k"); v != "new" {
		t.Errorf("k = %q after the change", v)
	}
	if _, ok := get(t, s, "b", "K"); ok {
		t.Error("K is there after its deletion")
	}
	if v, _ := get(t, s, "c", "k"); v != "of another bucket" {
		t.Errorf("the other bucket's k = %q", v)
	}
}

func testRange(t *testing.T, s store.Store) {
	for _, k := range []string{"b/2", "a", "b/10", "c", "b/1", "b0", "b"} {
		Put(t, s, "r", k, "v"+k)
	}
	order := func(r store.Reader, prefix string) (keys []string) {
		err := r.Range("r", prefix, func(k string, v []byte) error {
			if string(v) != "v"+k {
				t.Errorf("%q = %q", k, v)
			}
			keys = append(keys, k)
			return nil
		})
		if err != nil {
			t.Errorf("range %q: %v", prefix, err)
		}
		return keys
	}
	check := func(r store.Reader, prefix string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, order(r, prefix)); diff != "" {
			t.Errorf("range %q (-want +got):\n%s", prefix, diff)
		}
	}
	err := s.View(func(r store.Reader) error {
		check(r, "", "a", "b", "b/1", "b/10", "b/2", "b0", "c")
		check(r, "b/", "b/1", "b/10", "b/2")
		check(r, "d")
		stop := errors.New("stop")
		n := 0
		if err := r.Range("r", "", func(string, []byte) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
			t.Errorf("a range that was stopped at its first key made %d calls and returned %v", n, err)
		}
		return r.Range("no such bucket", "", func(string, []byte) error { return errors.New("called") })
	})
	if err != nil {
		t.Error(err)
	}
	update(t, s, func(w store.Writer) error {
		err := errors.Join(w.Put("r", "b/05", []byte("vb/05")), w.Delete("r", "b/1"), w.Put("r", "b/9", []byte("vb/9")),
			w.Put("r", "b/2", []byte("vb/2")), w.Delete("r", "c"), w.Put("r", "z", []byte("vz")))
		check(w, "b/", "b/05", "b/10", "b/2", "b/9")
		check(w, "", "a", "b", "b/05", "b/10", "b/2", "b/9", "b0", "z")
		return err
	})
}

func testRangeWhileChanging(t *testing.T, s store.Store) {
	for i := range 10 {
		Put(t, s, "r", fmt.Sprint(i), "old")
	}
	update(t, s, func(w store.Writer) error {
		var seen []string
		err := w.Range("r", "", func(k string, v []byte) error {
			seen = append(seen, k+string(v))
			return errors.Join(w.Put("r", k, []byte("new")), w.Put("r", k+"x", []byte("new")), w.Delete("r", "9"))
		})
		if len(seen) != 10 || seen[9] != "9old" {
			t.Errorf("a range over what changes meanwhile showed %v", seen)
		}
		return err
	})
	if got := Dump(t, s, "r", ""); len(got) != 19 || got["0"] != "new" || got["8x"] != "new" {
		t.Errorf("afterwards there is %v", got)
	}
}

func testFailedUpdate(t *testing.T, s store.Store) {
	Put(t, s, "b", "k", "old")
	cause := errors.New("the cause")
	err := s.Update(context.Background(), func(w store.Writer) error {
		if err := errors.Join(w.Put("b", "k", []byte("new")), w.Put("b", "other", []byte("new")), w.Put("new bucket", "k", nil)); err != nil {
			t.Error(err)
		}
		return cause
	})
	if !errors.Is(err, cause) {
		t.Errorf("the update returned %v", err)
	}
	if diff := cmp.Diff(map[string]string{"k": "old"}, Dump(t, s, "b", "")); diff != "" {
		t.Errorf("a failed update left (-want +got):\n%s", diff)
	}
}

// testPanic: the panic comes out as an error or at the caller; the store goes on.
func testPanic(t *testing.T, s store.Store) {
	func() {
		defer func() { _ = recover() }()
		err := s.Update(context.Background(), func(w store.Writer) error {
			if err := w.Put("b", "k", []byte("new")); err != nil {
				t.Error(err)
			}
			panic("in an update")
		})
		if err == nil {
			t.Error("an update that panicked returned nil")
		}
	}()
	if _, ok := get(t, s, "b", "k"); ok {
		t.Error("an update that panicked left its change")
	}
	Put(t, s, "b", "k", "later")
}

func testAliasing(t *testing.T, s store.Store) {
	mine := []byte("mine")
	update(t, s, func(w store.Writer) error {
		err := w.Put("b", "k", mine)
		copy(mine, "----")
		return err
	})
	copy(mine, "++++")
	if v, _ := get(t, s, "b", "k"); v != "mine" {
		t.Errorf("the stored value followed its writer's buffer: %q", v)
	}
}

func testContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.Update(ctx, func(w store.Writer) error { return w.Put("b", "k", nil) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an update with a context that ended returned %v", err)
	}
	Put(t, s, "b", "other", "")
	if _, ok := get(t, s, "b", "k"); ok {
		t.Error("it made its change")
	}
}

func testBadKeys(t *testing.T, s store.Store) {
	for _, key := range []string{"", strings.Repeat("k", 33<<10)} {
		err := s.Update(context.Background(), func(w store.Writer) error { return w.Put("b", key, []byte("v")) })
		if err == nil {
			t.Errorf("a key of %d bytes was taken", len(key))
		}
	}
	Put(t, s, "b", "good", "v")
}

func testClose(t *testing.T, s store.Store) {
	Put(t, s, "b", "k", "v")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if err := s.View(func(store.Reader) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a view after Close returned %v", err)
	}
	if err := s.Update(context.Background(), func(store.Writer) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("an update after Close returned %v", err)
	}
}

// testBuckets: a writer sees its own, a reader what was kept; refused ones are not there.
func testBuckets(t *testing.T, s store.Store) {
	Put(t, s, "first", "k", "v")
	buckets := func(r store.Reader) string {
		t.Helper()
		all, err := r.Buckets()
		if err != nil {
			t.Error(err)
		}
		return fmt.Sprint(all)
	}
	for _, fail := range []error{errRefused, nil} {
		err := s.Update(context.Background(), func(w store.Writer) error {
			if err := errors.Join(w.Put("early", "k", nil), w.Put("second", "k", []byte("v"))); err != nil {
				return err
			}
			if got := buckets(w); got != "[early first second]" {
				t.Errorf("the writer sees %s", got)
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Errorf("update: %v", err)
		}
		want := "[early first second]"
		if fail != nil {
			want = "[first]"
		}
		if err := s.View(func(r store.Reader) error {
			if got := buckets(r); got != want {
				t.Errorf("a reader sees %s, not %s", got, want)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
