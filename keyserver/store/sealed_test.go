package store_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/store"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/keyserver/store/storetest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func seal(t *testing.T, s store.Store, root *secret.Bytes) store.Store {
	t.Helper()
	x, err := store.Seal(s, store.DataKey{Key: root})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSealed(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Store {
		root := secret.Random(store.DataKeySize)
		defer root.Wipe()
		return seal(t, memory.New(), root)
	})
}

func TestSealed_RootKey(t *testing.T) {
	inner, root, other := memory.New(), secret.Random(32), secret.Random(32)
	s := seal(t, inner, root)
	storetest.Put(t, s, "b", "k", "v")
	if _, err := store.Seal(inner, store.DataKey{Key: other}); !errors.Is(err, store.ErrDataKey) {
		t.Errorf("another root key: %v", err)
	}
	if _, err := store.Seal(inner, store.DataKey{Key: secret.Random(16)}); err == nil {
		t.Error("a root key of 16 bytes was taken")
	}
	again := seal(t, inner, root)
	if got := storetest.Dump(t, again, "b", ""); got["k"] != "v" {
		t.Errorf("opened again it has %v", got)
	}
	if !root.Equal(root.Clone()) || root.Len() != 32 {
		t.Error("the caller's root key was changed")
	}
}

// TestSealed_Disk looks at what lies below: nothing readable, never twice the
// same, and no value opens under another key or after any change.
func TestSealed_Disk(t *testing.T) {
	inner, root := memory.New(), secret.Random(32)
	s := seal(t, inner, root)
	plain := "a value that must not be readable"
	raw := func(b store.Bucket, key string) (value []byte) {
		if err := inner.View(func(r store.Reader) (err error) { value, _, err = r.Get(b, key); return err }); err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(value)
	}
	storetest.Put(t, s, "b", "k", plain)
	first := raw("b", "k")
	storetest.Put(t, s, "b", "k", plain)
	if bytes.Equal(first, raw("b", "k")) {
		t.Error("the same value was sealed twice into the same bytes")
	}
	if bytes.Contains(first, []byte("readable")) {
		t.Error("the value lies there in clear")
	}
	plant := func(b store.Bucket, key string, value []byte) error {
		storetest.Put(t, inner, b, key, string(value))
		return s.View(func(r store.Reader) error { _, _, err := r.Get(b, key); return err })
	}
	if err := plant("b", "k", first); err != nil {
		t.Errorf("the untouched value does not open: %v", err)
	}
	if err := plant("b", "other", first); !errors.Is(err, store.ErrSealBroken) {
		t.Errorf("a value moved to another key: %v", err)
	}
	if err := plant("bk", "k", first); !errors.Is(err, store.ErrSealBroken) {
		t.Errorf("a value moved to another bucket: %v", err)
	}
	for i := range first {
		bad := bytes.Clone(first)
		bad[i] ^= 1
		if err := plant("b", "k", bad); !errors.Is(err, store.ErrSealBroken) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if err := plant("b", "k", first[:i]); !errors.Is(err, store.ErrSealBroken) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	err := s.Update(context.Background(), func(w store.Writer) error {
		return w.Range("b", "", func(string, []byte) error { return nil })
	})
	if !errors.Is(err, store.ErrSealBroken) {
		t.Errorf("a range over a broken value: %v", err)
	}
}

// TestSealed_Wiped: what was opened is erased once the reader's use is over, for
// it may have been a key. (The slices are kept here against the contract.)
func TestSealed_Wiped(t *testing.T) {
	const value = "key bytes"
	s := seal(t, memory.New(), secret.Random(32))
	storetest.Put(t, s, "b", "k", value)
	var kept [][]byte
	read := func(r store.Reader) error {
		got, _, err := r.Get("b", "k")
		if string(got) != value {
			t.Errorf("Get: %q, %v", got, err)
		}
		kept = append(kept, got)
		return r.Range("b", "", func(_ string, v []byte) error {
			if string(v) != value || string(got) != value {
				t.Errorf("Range has %q, Get had %q", v, got)
			}
			kept = append(kept, v)
			return nil
		})
	}
	if err := s.View(read); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(w store.Writer) error { return read(w) }); err != nil {
		t.Fatal(err)
	}
	for i, v := range kept {
		if !bytes.Equal(v, make([]byte, len(value))) {
			t.Errorf("%d: %q is still there", i, v)
		}
	}
}
